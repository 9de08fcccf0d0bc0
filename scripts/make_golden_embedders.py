#!/usr/bin/env python3
"""Writes tests/golden/embedders: what Hugging Face computes for the towers that measure likeness.

    python3 scripts/make_golden_embedders.py [OUT]    needs torch, transformers 4.49 and Pillow

CLIP, its tokenizer and DINOv2 are those of transformers. DINO (2021) is written down here after its
paper, with the names of the published file. Weights and inputs are not stored: each tensor is
filled by the integer rule of tests/golden/vqgan/meta.json. The vocabulary is made from the sentences
below.
"""
import collections
import json
import pathlib
import sys

import numpy as np
import torch
import transformers
from PIL import Image
from torch import nn

from make_golden_codec import fill, uniform, write_safetensors

SENTENCES = """
a photo of a cat on a wooden table, a dog runs through the snow beside a red wooden house
a painting of the cat in the style of an old master; the dog's toy isn't there
a plush bear with a blue scarf sits on a shelf, it's 2024 and they're happy, we've seen 17 bears
an astronaut holds a coffee cup, I'm sure you'd like it, he'll drive the toy car on mars
a watercolor portrait of a woman with long hair standing beside the sea at sunset
""".split("\n")

TEXTS = [
    "", " ", "\t\n ", "a", "a photo of a cat", "  A  Photo\tof\n a CAT  ", "don't DON'T they'Re it's",
    "'s't're've'm'll'd", "rock'n'roll 'tis o'clock '' '", "2024 3.14 1,000,000 No. 17", "x2y3z",
    "wait... what?! (really) [yes] {no} <b>bold</b> a&b #tag @me $5 100%", "one-two—three–four_five",
    "naïve café cafe\u0301 Ångström A\u030angstro\u0308m", "İstanbul IŞIK ΣΑΣ ὈΔΥΣΣΕΎΣ straße STRASSE ẞ",
    "日本語のテキスト 中文 한국어 ไทย हिन्दी עברית العربية", "½ ² Ⅷ ٣ ๓ 五", "🎨🖌️ 👩‍🚀 🇩🇪 ❤️",
    "non\u00a0breaking\u2003em\u3000wide\u200bzero\u180emongol\u0085nel\ufeffbom", "tab\x0bvt\x0cff\x1fus\x00nul",
    "<|startoftext|>", "a <|endoftext|> b", "A<|ENDOFTEXT|>b <|StartOfText|>", "<|endofte", "< |endoftext|>",
    "a painting of the wooden toy dog in the style of an old master", "aaaaaaaaaaaaaaaa", "!!!!!!!! ....",
    "Ǆ ǅ ǆ ﬁ ﬂ K Å Ω", "\U0001d49c\U0001d4ea 𐐀 ᏸ Ꭰ Ა ა", "a\u0301\u0302 \u0301 e\u0327\u0301", "мир Ёлка ЁЖ",
    " ".join(["a dog and a cat"] * 30),
]


def byte_characters():
    seen = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [b for b in range(256) if b not in seen]
    return {**{b: chr(b) for b in seen}, **{b: chr(256 + i) for i, b in enumerate(hidden)}}


def make_vocabulary(out):
    """Byte pairs of the sentences above, most frequent first."""
    characters = byte_characters()
    words = collections.Counter(
        tuple(characters[b] for b in word.encode()) for line in SENTENCES for word in line.lower().split())
    words = {word[:-1] + (word[-1] + "</w>",): n for word, n in words.items()}
    merges = []
    while len(merges) < 120:
        pairs = collections.Counter()
        for word, n in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += n
        best = max(sorted(pairs), key=pairs.get)
        merges.append(best)
        merged = {}
        for word, n in words.items():
            pieces = []
            for piece in word:
                if pieces and (pieces[-1], piece) == best:
                    pieces[-1] += piece
                else:
                    pieces.append(piece)
            merged[tuple(pieces)] = n
        words = merged
    pieces = [*characters.values(), *(c + "</w>" for c in characters.values()), *map("".join, merges)]
    pieces += ["<|startoftext|>", "<|endoftext|>"]
    (out / "vocab.json").write_text(json.dumps({p: i for i, p in enumerate(pieces)}, ensure_ascii=False))
    (out / "merges.txt").write_text("\n".join(["#version: 0.2", *map(" ".join, merges)]) + "\n")


def tokenizer_case(out):
    make_vocabulary(out)
    tokenizer = transformers.CLIPTokenizerFast(str(out / "vocab.json"), str(out / "merges.txt"))
    cut = tokenizer(TEXTS, padding="max_length", max_length=77, truncation=True).input_ids
    return [{"text": text, "ids": tokenizer(text).input_ids, "cut": ids if len(tokenizer(text).input_ids) > 77 else None}
            for text, ids in zip(TEXTS, cut)]


def shapes(module):
    return {key: list(tensor.shape) for key, tensor in module.state_dict().items()}


def inputs(key, *shape):
    return torch.from_numpy(uniform(key, int(np.prod(shape))).astype(np.float32)).view(shape)


def clip_case(name, io, act, end_id):
    vision = {"hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 3, "num_attention_heads": 3,
              "image_size": 64, "patch_size": 16, "hidden_act": act}
    text = {"vocab_size": 99, "hidden_size": 40, "intermediate_size": 72, "num_hidden_layers": 2,
            "num_attention_heads": 5, "max_position_embeddings": 12, "hidden_act": act,
            "bos_token_id": 97, "pad_token_id": 98, "eos_token_id": end_id}
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)
    model = transformers.CLIPModel(config).eval()
    state = {k: v for k, v in model.state_dict().items() if k != "logit_scale"}
    fill(Bag(state))
    ids = torch.tensor([[97, 5, 17, 98, 98, 98, 98, 98, 98, 98, 98, 98], [97, *range(20, 30), 98],
                        [97, 3, 98, 44, 45, 98, 98, 98, 98, 98, 98, 98], [97, 98] + [98] * 10])
    pixels = inputs(name + ".pixels", 3, 3, 64, 64)
    io[name + ".ids"] = ids
    io[name + ".pictures"] = model.get_image_features(pixels)
    io[name + ".texts"] = model.get_text_features(ids)
    description = {"model_type": "clip", "projection_dim": 24, "vision_config": vision, "text_config": text}
    return {"config": description, "pixels": list(pixels.shape), "weights": {k: list(v.shape) for k, v in state.items()}}


class Bag:
    """Tensors that fill() may write to."""

    def __init__(self, tensors):
        self.tensors = tensors

    def state_dict(self):
        return self.tensors


def dinov2_case(io):
    settings = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 3, "mlp_ratio": 2,
                "image_size": 98, "patch_size": 14}
    model = transformers.Dinov2Model(transformers.Dinov2Config(**settings)).eval()
    fill(model)
    pixels = inputs("dinov2.pixels", 2, 3, 224, 224)
    io["dinov2.pictures"] = model(pixels).last_hidden_state[:, 0]
    io["dinov2.own_size"] = model(pixels[:, :, :98, :98]).last_hidden_state[:, 0]
    return {"config": {"model_type": "dinov2", **settings}, "pixels": list(pixels.shape), "weights": shapes(model)}


class DinoBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn = nn.ModuleDict({"qkv": nn.Linear(width, 3 * width), "proj": nn.Linear(width, width)})
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 2 * width), "fc2": nn.Linear(2 * width, width)})

    def forward(self, x):
        q, k, v = self.attn["qkv"](self.norm1(x)).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(-1)
        x = x + self.attn["proj"]((weights @ v).transpose(1, 2).flatten(2))
        return x + self.mlp["fc2"](nn.functional.gelu(self.mlp["fc1"](self.norm2(x))))


class Dino(nn.Module):
    def __init__(self, width, depth, patch):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + (224 // patch) ** 2, width))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, patch, patch)})
        self.blocks = nn.ModuleList(DinoBlock(width, width // 64) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x):
        x = self.patch_embed["proj"](x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.norm(x)[:, 0]


def dino_case(io):
    with torch.no_grad():
        model = fill(Dino(128, 2, 32))
    pixels = inputs("dino.pixels", 2, 3, 224, 224)
    io["dino.pictures"] = model(pixels)
    return {"pixels": list(pixels.shape), "weights": shapes(model)}


def picture(width, height):
    values = uniform(f"{width}x{height}", width * height * 3)
    return Image.fromarray(((values + 1) * 128).astype(np.uint8).reshape(height, width, 3))


def dino_pixels_torchvision(image):
    """Resize(256, bicubic), CenterCrop(224), ToTensor, Normalize as torchvision rounds."""
    short, long = sorted(image.size)
    new_long = int(256 * long / short)
    image = image.resize((256, new_long) if image.width <= image.height else (new_long, 256), Image.BICUBIC)
    left, top = int(round((image.width - 224) / 2.0)), int(round((image.height - 224) / 2.0))
    x = torch.from_numpy(np.array(image.crop((left, top, left + 224, top + 224)))).permute(2, 0, 1).float() / 255
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return (x - mean[:, None, None]) / std[:, None, None]


def preprocessing_cases():
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    dinov2 = transformers.BitImageProcessor(size={"shortest_edge": 256}, crop_size=224, image_mean=mean,
                                            image_std=std, do_convert_rgb=True)
    clip = transformers.CLIPImageProcessor()
    cases = []
    for width, height in [(256, 256), (301, 257), (100, 151), (640, 427), (255, 1024)]:
        image = picture(width, height)
        pixels = {"clip": torch.from_numpy(clip(image)["pixel_values"][0]), "dino": dino_pixels_torchvision(image),
                  "dinov2": torch.from_numpy(dinov2(image)["pixel_values"][0])}
        places = ((uniform("places", 40) + 1) / 2 * 3 * 224 * 224).astype(int).tolist()
        cases.append({"width": width, "height": height, "places": places,
                      **{k: v.flatten()[places].tolist() for k, v in pixels.items()}})
    return cases


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "tests/golden/embedders"
    out.mkdir(parents=True, exist_ok=True)
    io = {}
    meta = {"what": f"towers that measure likeness, by scripts/make_golden_embedders.py, torch {torch.__version__}, "
            f"transformers {transformers.__version__}, fp32, CPU; weights and pixels by the integer rule of "
            "vqgan/meta.json with the seed",
            "seed": 977, "tolerance": {"features": "1e-5 absolute (values of order 1)",
                                       "pixels": "1e-6 absolute (the order of fp32 operations)"}}
    with torch.no_grad():
        meta["clip"] = {"legacy": clip_case("legacy", io, "quick_gelu", 2), "gelu": clip_case("gelu", io, "gelu", 98)}
        meta["dinov2"], meta["dino"] = dinov2_case(io), dino_case(io)
    meta["preprocessing"] = preprocessing_cases()
    write_safetensors(out / "io.safetensors", io)
    (out / "meta.json").write_text(json.dumps(meta, separators=(",", ":")) + "\n")
    (out / "texts.json").write_text(json.dumps(tokenizer_case(out), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
