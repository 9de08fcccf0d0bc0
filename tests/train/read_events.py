"""Prints as JSON what TensorBoard reads from a folder of event files."""

import json
import sys

from tensorboard.backend.event_processing import event_accumulator

KINDS = ("scalars", "images", "tensors")


def main(folder):
    reader = event_accumulator.EventAccumulator(folder, size_guidance={kind: 0 for kind in KINDS})
    reader.Reload()
    tags = reader.Tags()
    json.dump(
        {
            "scalars": {tag: [[e.step, e.value] for e in reader.Scalars(tag)] for tag in tags["scalars"]},
            "images": {
                tag: [[e.step, e.width, e.height, e.encoded_image_string.hex()] for e in reader.Images(tag)]
                for tag in tags["images"]
            },
            "texts": {
                tag: [[e.step, e.tensor_proto.string_val[0].decode()] for e in reader.Tensors(tag)]
                for tag in tags["tensors"]
                if reader.SummaryMetadata(tag).plugin_data.plugin_name == "text"
            },
        },
        sys.stdout,
    )


main(sys.argv[1])
