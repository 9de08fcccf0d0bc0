#!/usr/bin/env python3
"""Writes tests/golden/codec_training: what PyTorch computes for the parts of codec training.

    python3 scripts/make_golden_codec.py [OUT]        needs torch and numpy

The reference is written down here a second time in PyTorch, after the published descriptions
(VQGAN, PatchGAN, LPIPS, SSIM), so that the C++ is compared with other code. Weights are not stored:
each state-dict tensor is filled by the integer rule of tests/golden/vqgan/meta.json.
"""
import json
import pathlib
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

SEED = 977
MASK = (1 << 64) - 1


def fnv1a(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def uniform(key, count):
    """`count` numbers of [-1, 1) that depend on the key alone."""
    start = np.uint64(fnv1a(key) ^ SEED)
    with np.errstate(over="ignore"):
        z = start + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float64) / 2**23 - 1


def fill(module):
    for key, tensor in module.state_dict().items():
        if key.endswith("num_batches_tracked"):
            continue
        u = uniform(key, tensor.numel())
        if tensor.dim() >= 2:
            u = u * (np.sqrt(3) / np.sqrt(tensor.numel() / tensor.shape[0]))
        elif key.endswith("bias"):
            u = u * 0.1
        else:
            u = 1 + 0.2 * u
        tensor.copy_(torch.from_numpy(u.astype(np.float32)).view(tensor.shape))
    return module


def smooth_pictures(batch, side, phase):
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    rows = []
    for b in range(batch):
        for c in range(3):
            wave = torch.sin(0.4 * x * (1 + 0.3 * b) + 0.25 * y * (c + 1) + phase + b)
            rows.append(0.8 * wave + 0.15 * torch.cos(0.9 * x - 1.3 * y + c))
    return torch.stack(rows).view(batch, 3, side, side).float()


# The codec with layout: local.


class ResBlock(nn.Module):
    def __init__(self, channels, groups):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, channels, eps=1e-6)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm2 = nn.GroupNorm(groups, channels, eps=1e-6)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return x + self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))


class PatchMlp(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 2 * channels, 1)
        self.conv2 = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x):
        return x + self.conv2(F.silu(self.conv1(x)))


class Upsample(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, 2 * channels, 1)


class Stage(nn.Module):
    def __init__(self, channels, groups, blocks, shuffle):
        super().__init__()
        self.res = nn.ModuleList(ResBlock(channels, groups) for _ in range(blocks))
        if shuffle:
            self.upsample = Upsample(channels)


class Encoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv_in = nn.Conv2d(3, c["ch"], c["patch_size"], stride=c["patch_size"])
        self.res = nn.ModuleList(PatchMlp(c["ch"]) for _ in range(c["num_res_blocks"] + 1))
        self.conv_out = nn.Conv2d(c["ch"], c["z_channels"], 1)

    def forward(self, x):
        x = self.conv_in(x)
        for block in self.res:
            x = block(x)
        return self.conv_out(F.silu(x))


class Decoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        ch, groups, blocks = c["ch"], c["norm_groups"], c["num_res_blocks"]
        self.patch = c["patch_size"] // 2
        self.conv_in = nn.Conv2d(c["z_channels"], ch, 3, padding=1)
        self.conv_blocks = nn.ModuleList(
            [Stage(ch, groups, blocks, True), Stage(ch // 2, groups, blocks, False)]
        )
        self.norm_out = nn.GroupNorm(groups, ch // 2, eps=1e-6)
        self.conv_out = nn.Conv2d(ch // 2, 3 * self.patch**2, 1)

    def forward(self, x):
        x = self.conv_in(x)
        for stage in self.conv_blocks:
            for block in stage.res:
                x = block(x)
            if hasattr(stage, "upsample"):
                x = F.pixel_shuffle(stage.upsample.conv(x), 2)
        return F.pixel_shuffle(self.conv_out(F.silu(self.norm_out(x))), self.patch)


class Quantiser(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embedding = nn.Embedding(c["codebook_size"], c["codebook_dim"])

    def forward(self, z):
        z = F.normalize(z.permute(0, 2, 3, 1), dim=-1)
        flat, codebook = z.flatten(0, 2), F.normalize(self.embedding.weight, dim=-1)
        distance = flat.square().sum(1, True) + codebook.square().sum(1) - 2 * flat @ codebook.t()
        codes = distance.argmin(1)
        rows = codebook[codes].view_as(z)
        vq = (rows - z.detach()).square().mean()
        commit = 0.25 * (rows.detach() - z).square().mean()
        return (z + (rows - z).detach()).permute(0, 3, 1, 2), vq, commit, codes.view(len(z), -1)


class Codec(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.encoder, self.decoder, self.quantize = Encoder(c), Decoder(c), Quantiser(c)
        self.quant_conv = nn.Conv2d(c["z_channels"], c["codebook_dim"], 1)
        self.post_quant_conv = nn.Conv2d(c["codebook_dim"], c["z_channels"], 1)

    def encode(self, x):
        return self.quant_conv(self.encoder(x))

    def decode(self, z):
        return self.decoder(self.post_quant_conv(z))

    def forward(self, x):
        quantised, vq, commit, codes = self.quantize(self.encode(x))
        return self.decode(quantised), vq, commit, codes


# PatchGAN and LPIPS.


class Discriminator(nn.Module):
    def __init__(self, c):
        super().__init__()
        ch, layers = c["ch"], c["num_layers"]
        main = [nn.Conv2d(3, ch, 4, 2, 1), nn.LeakyReLU(0.2)]
        width = ch
        for i in range(1, layers + 1):
            out = ch * min(2**i, 8)
            stride = 2 if i < layers else 1
            main += [nn.Conv2d(width, out, 4, stride, 1, bias=False), nn.BatchNorm2d(out)]
            main += [nn.LeakyReLU(0.2)]
            width = out
        self.main = nn.Sequential(*main, nn.Conv2d(width, 1, 4, 1, 1))

    def forward(self, x):
        return self.main(x)


class Lin(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.model = nn.Sequential(nn.Dropout(), nn.Conv2d(channels, 1, 1, bias=False))


class Lpips(nn.Module):
    def __init__(self, c):
        super().__init__()
        layers, channels = [], 3
        self.taps = []
        for width, convs in zip(c["widths"], c["convolutions"]):
            if layers:
                layers.append(nn.MaxPool2d(2, 2))
            for _ in range(convs):
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
            self.taps.append(len(layers) - 1)
        self.features = nn.Sequential(*layers)
        for i, width in enumerate(c["widths"]):
            setattr(self, f"lin{i}", Lin(width))
        self.eval()

    def outputs(self, x):
        shift = torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)
        scale = torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1)
        x = (x - shift) / scale
        outputs = []
        for i, layer in enumerate(self.features):
            x = layer(x)
            if i in self.taps:
                outputs.append(x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return outputs

    def forward(self, a, b):
        total = 0
        for i, (x, y) in enumerate(zip(self.outputs(a), self.outputs(b))):
            total = total + getattr(self, f"lin{i}").model((x - y) ** 2).mean((1, 2, 3))
        return total


def psnr_ssim(a, b):
    """Of two uint8 pictures [H, W, 3], in float64 and without separable filters."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    psnr = 10 * np.log10(255**2 / np.mean((a - b) ** 2))
    distance = np.arange(11) - 5
    line = np.exp(-(distance**2) / (2 * 1.5**2))
    window = np.outer(line, line)
    window /= window.sum()
    values = []
    for c in range(a.shape[2]):
        x = np.lib.stride_tricks.sliding_window_view(a[:, :, c], (11, 11))
        y = np.lib.stride_tricks.sliding_window_view(b[:, :, c], (11, 11))
        mean = lambda v: (v * window).sum((-1, -2))
        mx, my = mean(x), mean(y)
        vx, vy, vxy = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        ssim = (2 * mx * my + c1) * (2 * vxy + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
        values.append(ssim.mean())
    return psnr, float(np.mean(values))


def gradients(module, keys, prefix, io):
    parameters = dict(module.named_parameters())
    for key in keys:
        io[prefix + key] = parameters[key].grad.clone()


def codec_case(config, io):
    codec = fill(Codec(config))
    x = smooth_pictures(2, 16, 0.0)
    reconstruction, vq, commit, codes = codec(x)
    io.update({"codec.image": x, "codec.latent": codec.encode(x).detach(), "codec.codes": codes})
    io["codec.reconstruction"] = reconstruction.detach()
    ((reconstruction - x).abs().mean() + vq + commit).backward()
    keys = [
        "encoder.conv_in.weight",
        "encoder.res.1.conv2.weight",
        "decoder.conv_blocks.0.res.0.norm1.weight",
        "decoder.conv_blocks.0.upsample.conv.weight",
        "decoder.conv_out.weight",
        "quantize.embedding.weight",
    ]
    gradients(codec, keys, "codec.grad.", io)
    return {"vq": vq.item(), "commit": commit.item()}


def discriminator_case(config, io):
    discriminator = fill(Discriminator(config))
    x = smooth_pictures(2, 32, 0.5).requires_grad_(True)
    logits = discriminator(x)
    (logits * torch.sin(torch.arange(logits.numel()).float()).view_as(logits)).sum().backward()
    io["discriminator.image"], io["discriminator.logits"] = x.detach(), logits.detach()
    io["discriminator.grad_image"] = x.grad
    gradients(discriminator, ["main.0.bias", "main.2.weight", "main.3.weight"], "discriminator.grad.", io)
    for name in ("running_mean", "running_var"):
        io[f"discriminator.main.3.{name}"] = discriminator.state_dict()[f"main.3.{name}"].clone()


def lpips_case(config, io):
    lpips = fill(Lpips(config))
    a, b = smooth_pictures(2, 32, 0.0), smooth_pictures(2, 32, 0.7).requires_grad_(True)
    value = lpips(a, b)
    value.mean().backward()
    io.update({"lpips.a": a, "lpips.b": b.detach(), "lpips.value": value.detach()})
    io["lpips.grad_b"] = b.grad
    return {key: list(tensor.shape) for key, tensor in lpips.state_dict().items()}


def loss_cases(configs, io):
    """The order of the reference: a whole generator pass, then a whole discriminator pass."""
    x = smooth_pictures(2, 16 * 2, 0.3)
    io["loss.image"] = x
    cases = []
    for name, l1, l2, adaptive, adopt in [
        ("before_start", 0.0, 1.0, False, 0.0),
        ("reference", 0.0, 1.0, False, 1.0),
        ("adaptive", 0.5, 1.0, True, 1.0),
    ]:
        codec, lpips = fill(Codec(configs["codec"])), fill(Lpips(configs["lpips"]))
        discriminator = fill(Discriminator(configs["discriminator"]))
        reconstruction, vq, commit, _ = codec(x)
        difference = reconstruction - x
        image_loss = l1 * difference.abs().mean() + l2 * difference.square().mean()
        perceptual = lpips(x, reconstruction).mean()
        adversarial = -discriminator(reconstruction).mean()
        weight = torch.ones(())
        if adaptive:
            last = codec.decoder.conv_out.weight
            norm = lambda loss: torch.autograd.grad(loss, last, retain_graph=True)[0].norm()
            weight = (norm(image_loss + perceptual) / (norm(adversarial) + 1e-4)).clamp(0, 1e4)
        generator = image_loss + perceptual + weight.detach() * adopt * 0.5 * adversarial
        generator = generator + vq + commit
        generator.backward()
        gradients(codec, ["encoder.conv_in.weight", "decoder.conv_out.weight"], f"loss.{name}.grad.", io)
        discriminator.zero_grad()
        real, fake = discriminator(x), discriminator(reconstruction.detach())
        hinge = 0.5 * (F.relu(1 - real).mean() + F.relu(1 + fake).mean())
        (adopt * 0.5 * hinge).backward()
        gradients(discriminator, ["main.0.weight", "main.5.weight"], f"loss.{name}.grad.discriminator.", io)
        figures = {"image": image_loss, "perceptual": perceptual, "adversarial": adversarial}
        figures |= {"adaptive_weight": weight, "generator": generator, "hinge": hinge}
        cases.append({"name": name, "l1": l1, "l2": l2, "adaptive": adaptive, "adopt": adopt,
                      "losses": {key: value.item() for key, value in figures.items()}})
    return cases


def quality_case(io):
    clean = (smooth_pictures(1, 40, 0.2)[0].permute(1, 2, 0)[:, :33] * 0.5 + 0.5).clamp(0, 1)
    noise = torch.from_numpy(uniform("noise", clean.numel())).view(clean.shape).float()
    pictures = [(255 * p.clamp(0, 1)).round().to(torch.uint8).contiguous() for p in (clean, clean + 0.1 * noise)]
    io["quality.a"], io["quality.b"] = pictures
    psnr, ssim = psnr_ssim(*(p.numpy() for p in pictures))
    return {"psnr": psnr, "ssim": ssim}


def write_safetensors(path, tensors):
    kinds = {torch.float32: "F32", torch.int64: "I64", torch.uint8: "U8"}
    header, blobs, offset = {}, [], 0
    for name, tensor in tensors.items():
        blob = tensor.detach().contiguous().numpy().tobytes()
        header[name] = {"dtype": kinds[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "tests/golden/codec_training"
    out.mkdir(parents=True, exist_ok=True)
    configs = {
        "codec": {"ch": 16, "patch_size": 4, "num_res_blocks": 1, "norm_groups": 4, "z_channels": 12,
                  "codebook_size": 32, "codebook_dim": 8},
        "discriminator": {"ch": 4, "num_layers": 3},
        "lpips": {"widths": [4, 6, 8, 8, 8], "convolutions": [2, 2, 3, 3, 3]},
    }
    io = {}
    meta = {"what": "parts of codec training, by scripts/make_golden_codec.py, torch "
            + torch.__version__, "config": configs, "weights": {"seed": SEED}}
    meta["codec"] = codec_case(configs["codec"], io)
    discriminator_case(configs["discriminator"], io)
    meta["lpips_keys"] = lpips_case(configs["lpips"], io)
    meta["loss"] = loss_cases(configs, io)
    meta["quality"] = quality_case(io)
    meta["tolerance"] = {"values": "1e-4 * max|expected| + 1e-6", "gradients": "5e-4 * max|grad| + 1e-7"}
    write_safetensors(out / "io.safetensors", io)
    (out / "meta.json").write_text(json.dumps(meta, indent=1) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
