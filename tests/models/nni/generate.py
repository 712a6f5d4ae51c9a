"""Dumps the NNI graphs of this folder: `python generate.py FOLDER`, with NNI 2.10 or 3.0 and PyTorch.

Each network is scripted, converted with a dummy input as nn-Meter's converter of NNI's models asks
for (`GraphConverterWithShape`), and dumped. The number of multiply-accumulates that hooks on the
modules count is printed.
"""

import json
import os
import sys

import nni
import torch
import torch.nn.functional as F

if nni.__version__.startswith("3"):
    import nni.nas.nn.pytorch.layers as nn
    from nni.nas.space.pytorch.converter import GraphConverterWithShape
    from nni.nas.space.pytorch.graph import PytorchGraphModelSpace

    convert_to_graph = PytorchGraphModelSpace.convert_to_graph
else:
    import nni.retiarii.nn.pytorch as nn
    from nni.retiarii.converter import convert_to_graph
    from nni.retiarii.converter.graph_gen import GraphConverterWithShape


class Shuffle(nn.Module):
    def __init__(self, c):
        super().__init__()
        c = c // 2
        self.right = nn.Sequential(
            nn.Conv2d(c, c, 1, bias=False), nn.BatchNorm2d(c), nn.ReLU(inplace=True),
            nn.Conv2d(c, c, 3, padding=1, groups=c, bias=False), nn.BatchNorm2d(c),
            nn.Conv2d(c, c, 1, bias=False), nn.BatchNorm2d(c), nn.ReLU(inplace=True))

    def forward(self, x):
        a, b = x.chunk(2, dim=1)
        x = torch.cat([a, self.right(b)], dim=1)
        n, c, h, w = x.size()
        x = torch.transpose(x.view(n, 2, c // 2, h, w), 1, 2).contiguous()
        return x.view(n, c, h, w)


class SqueezeExcite(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1, self.relu = nn.Conv2d(c, c // 4, 1), nn.ReLU()
        self.fc2, self.gate = nn.Conv2d(c // 4, c, 1), nn.Hardsigmoid()

    def forward(self, x):
        return x * self.gate(self.fc2(self.relu(self.fc1(self.pool(x)))))


class Cells(nn.Module):
    """Modules in cells."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(32),
            nn.Hardswish())
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.shuffle = Shuffle(32)
        self.se = SqueezeExcite(32)
        self.group = nn.Conv2d(32, 64, 3, padding=1, groups=4)
        self.down = nn.AvgPool2d(2)
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = self.pool(self.stem(x))
        x = x + self.se(self.shuffle(x))
        x = self.down(F.relu6(self.group(x)))
        x = torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)
        return F.log_softmax(self.fc(self.drop(x)), dim=-1)


class Functions(nn.Module):
    """Functions where there are modules for them."""

    def __init__(self):
        super().__init__()
        self.c1, self.bn = nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16)
        self.c2 = nn.Conv2d(16, 16, 3, padding=1, bias=False)
        self.fc1, self.fc2 = nn.Linear(32 * 15 * 15, 64), nn.Linear(64, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn(self.c1(x))), 2)
        x = (x + self.c2(x)) * 0.5 - 1.0
        x = torch.cat((x, F.avg_pool2d(x, 3, stride=1, padding=1)), 1)
        a, b = torch.split(x, 16, 1)
        parts = b.chunk(2, 1)
        x = torch.cat([a.mul(torch.sigmoid(b)), parts[0], F.hardswish(parts[1])], 1)
        x = x.view(x.size(0), -1)
        x = F.dropout(F.relu(self.fc1(x)), training=self.training)
        return self.fc2(x)


def macs(net, x):
    total = 0

    def count(module, _, out):
        nonlocal total
        if hasattr(module, "in_features"):
            total += out.numel() * module.in_features
        elif hasattr(module, "kernel_size") and hasattr(module, "weight"):
            total += out.numel() * module.weight[0].numel()

    for module in net.modules():
        module.register_forward_hook(count)
    net.eval()(x)
    return total


for name, build, shape in [("cells", Cells, (1, 3, 64, 64)), ("functions", Functions, (1, 3, 32, 32))]:
    net, x = build(), torch.randn(*shape)
    graph = convert_to_graph(
        torch.jit.script(net), net, converter=GraphConverterWithShape(), dummy_input=(x,))
    file = f"{name}_nni_{nni.__version__}.json"
    with open(os.path.join(sys.argv[1], file), "w") as out:
        json.dump(graph._dump(), out, default=str, separators=(",", ":"))
        out.write("\n")
    print(file, macs(build(), x), "MACs")
