"""Builds and freezes the TensorFlow graphs of this folder.

Run with TensorFlow 2: `python generate.py FOLDER [NAME...]`; networks that are not in the folder,
those of tf.keras.applications among them, are made by name. The graphs are what TensorFlow freezes;
afterwards the values of every large float tensor become one value that counts for all, which
TensorFlow itself reads, so that the files are small. For each graph the number of
multiply-accumulates of its convolutions and matrix products is printed, by TensorFlow's own shapes.
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf

v1 = tf.compat.v1


class Net:
    """Layers on variables, in one data format."""

    def __init__(self, data_format="NHWC"):
        self.format = data_format

    def variable(self, name, shape):
        return v1.get_variable(name, shape, initializer=v1.ones_initializer())

    def channels(self, x):
        return int(x.shape[3 if self.format == "NHWC" else 1])

    def axes(self, height, width):
        return [1, height, width, 1] if self.format == "NHWC" else [1, 1, height, width]

    def conv(self, x, out, k, s=1, padding="SAME", groups=1, dilation=1, bias=False, name="conv"):
        with v1.variable_scope(None, name):
            w = self.variable("w", [k, k, self.channels(x) // groups, out])
            x = tf.nn.conv2d(x, w, self.axes(s, s), padding, data_format=self.format,
                             dilations=self.axes(dilation, dilation))
            if bias:
                x = tf.nn.bias_add(x, self.variable("b", [out]), self.format)
            return x

    def depthwise(self, x, k, s=1, multiplier=1, padding="SAME", dilation=None):
        with v1.variable_scope(None, "depthwise"):
            w = self.variable("w", [k, k, self.channels(x), multiplier])
            return tf.nn.depthwise_conv2d(x, w, self.axes(s, s), padding, self.format, dilation)

    def bn(self, x):
        with v1.variable_scope(None, "bn"):
            c = [self.channels(x)]
            stats = [self.variable(n, c) for n in ("gamma", "beta", "mean", "variance")]
            return v1.nn.fused_batch_norm(x, *stats, is_training=False, data_format=self.format)[0]

    def dense(self, x, out):
        with v1.variable_scope(None, "dense"):
            w = self.variable("w", [int(x.shape[-1]), out])
            return tf.nn.bias_add(tf.matmul(x, w), self.variable("b", [out]))

    def pool(self, kind, x, k, s, padding="SAME"):
        return kind(x, self.axes(k, k), self.axes(s, s), padding, data_format=self.format)

    def spatial(self):
        return [1, 2] if self.format == "NHWC" else [2, 3]


def hswish(x):
    return x * tf.nn.relu6(x + 3.0) / 6.0


def hswish_scaled(x):
    return x * (tf.nn.relu6(x + 3.0) * (1.0 / 6.0))


def squeeze_excite(net, x, ratio=4):
    c = net.channels(x)
    y = tf.reduce_mean(x, net.spatial(), keepdims=True)
    y = tf.nn.relu(net.conv(y, c // ratio, 1, bias=True))
    y = net.conv(y, c, 1, bias=True)
    return x * (tf.nn.relu6(y + 3.0) / 6.0)


def mobilenet_v1(x):
    net = Net()
    x = tf.nn.relu6(net.bn(net.conv(x, 32, 3, 2)))
    for out, s in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1),
                   (1024, 2), (1024, 1)]:
        x = tf.nn.relu6(net.bn(net.depthwise(x, 3, s)))
        x = tf.nn.relu6(net.bn(net.conv(x, out, 1)))
    x = net.pool(tf.nn.avg_pool2d, x, int(x.shape[1]), 1, "VALID")
    x = net.conv(x, 1000, 1, bias=True)
    return tf.nn.softmax(tf.squeeze(x, [1, 2]))


def mobilenet_v2(x):
    net = Net()
    x = tf.nn.relu6(net.bn(net.conv(x, 32, 3, 2)))
    for t, c, n, s in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 2, 2), (6, 64, 2, 2),
                       (6, 160, 1, 2), (6, 320, 1, 1)]:
        for i in range(n):
            y = x
            if t > 1:
                y = tf.nn.relu6(net.bn(net.conv(y, net.channels(x) * t, 1)))
            y = tf.nn.relu6(net.bn(net.depthwise(y, 3, s if i == 0 else 1)))
            y = net.bn(net.conv(y, c, 1))
            x = x + y if i > 0 else y
    x = tf.nn.relu6(net.bn(net.conv(x, 1280, 1)))
    return net.dense(tf.reduce_mean(x, [1, 2]), 1000)


def mobilenet_v3(x, act=hswish):
    net = Net()
    x = act(net.bn(net.conv(x, 16, 3, 2)))
    for k, exp, c, se, hs, s in [(3, 16, 16, 1, 0, 2), (3, 72, 24, 0, 0, 2), (3, 88, 24, 0, 0, 1),
                                 (5, 96, 40, 1, 1, 2), (5, 240, 40, 1, 1, 1)]:
        f = act if hs else tf.nn.relu
        y = f(net.bn(net.conv(x, exp, 1)))
        y = f(net.bn(net.depthwise(y, k, s)))
        if se:
            y = squeeze_excite(net, y)
        y = net.bn(net.conv(y, c, 1))
        x = x + y if s == 1 and c == net.channels(x) else y
    x = act(net.bn(net.conv(x, 288, 1)))
    x = tf.reduce_mean(x, [1, 2], keepdims=True)
    x = act(net.conv(x, 512, 1, bias=True))
    return tf.squeeze(net.conv(x, 1000, 1, bias=True), [1, 2])


def mobilenet_v3_scaled(x):
    return mobilenet_v3(x, hswish_scaled)


def resnet18(x, data_format="NHWC"):
    net = Net(data_format)
    if data_format == "NCHW":
        x = tf.transpose(x, [0, 3, 1, 2])
    pads = [[0, 0], [3, 3], [3, 3], [0, 0]]
    x = tf.pad(x, pads if data_format == "NHWC" else [pads[i] for i in (0, 3, 1, 2)])
    x = tf.nn.relu(net.bn(net.conv(x, 64, 7, 2, "VALID")))
    x = net.pool(tf.nn.max_pool2d, x, 3, 2)
    for c, s in [(64, 1), (128, 2), (256, 2), (512, 2)]:
        for i in range(2):
            stride = s if i == 0 else 1
            y = tf.nn.relu(net.bn(net.conv(x, c, 3, stride)))
            y = net.bn(net.conv(y, c, 3))
            if stride > 1:
                x = net.bn(net.conv(x, c, 1, stride))
            x = tf.nn.relu(x + y)
    return net.dense(tf.reduce_mean(x, net.spatial()), 1000)


def resnet18_nchw(x):
    return resnet18(x, "NCHW")


def vgg(x):
    net = Net()
    for c in (64, 128, 256, 512, 512):
        x = tf.nn.relu(net.conv(x, c, 3, bias=True))
        x = net.pool(tf.nn.max_pool2d, x, 2, 2)
    x = tf.reshape(x, [-1, int(np.prod(x.shape[1:]))])
    x = v1.nn.dropout(tf.nn.relu(net.dense(x, 4096)), rate=0.0)
    return tf.nn.softmax(net.dense(tf.nn.relu(net.dense(x, 4096)), 1000))


def shuffle(x, groups=2):
    """Channel shuffle where the batch is open: extents are read at run time."""
    n = tf.shape(x)[0]
    _, h, w, c = x.shape
    x = tf.reshape(x, [n, h, w, groups, c // groups])
    return tf.reshape(tf.transpose(x, [0, 1, 2, 4, 3]), [n, h, w, c])


def shuffle_fixed(x, groups=2):
    _, h, w, c = x.shape
    x = tf.reshape(x, [-1, h, w, groups, c // groups])
    return tf.reshape(tf.transpose(x, [0, 1, 2, 4, 3]), [-1, h, w, c])


def shufflenet_v2(x, mix=shuffle):
    net = Net()
    x = tf.nn.relu(net.bn(net.conv(x, 24, 3, 2)))
    x = net.pool(tf.nn.max_pool2d, x, 3, 2)
    for c, n in [(116, 2), (232, 2)]:
        for i in range(n):
            s = 2 if i == 0 else 1
            left, right = (x, x) if s == 2 else tf.split(x, 2, axis=3)
            right = tf.nn.relu(net.bn(net.conv(right, c // 2, 1)))
            right = net.bn(net.depthwise(right, 3, s))
            right = tf.nn.relu(net.bn(net.conv(right, c // 2, 1)))
            if s == 2:
                left = net.bn(net.depthwise(left, 3, 2))
                left = tf.nn.relu(net.bn(net.conv(left, c // 2, 1)))
            x = mix(tf.concat([left, right], 3))
    x = tf.nn.relu(net.bn(net.conv(x, 1024, 1)))
    return net.dense(tf.reduce_mean(x, [1, 2]), 1000)


def shufflenet_v2_fixed(x):
    return shufflenet_v2(x, shuffle_fixed)


def nas_bench_201(x):
    net = Net()
    x = net.bn(net.conv(x, 16, 3))
    for stage, c in enumerate((16, 32, 64)):
        if stage:
            y = net.bn(net.conv(tf.nn.relu(net.bn(net.conv(x, c, 3, 2))), c, 3))
            x = y + net.conv(net.pool(tf.nn.avg_pool2d, x, 2, 2), c, 1)
        a = net.bn(net.conv(tf.nn.relu(x), c, 3))
        b = net.pool(tf.nn.avg_pool2d, x, 3, 1) + net.bn(net.conv(tf.nn.relu(a), c, 1))
        x = tf.add_n([x, a, b])
    x = tf.nn.relu(net.bn(x))
    return net.dense(tf.reduce_mean(x, [1, 2]), 10)


def odd_windows(x):
    """Windows that are seldom: dilated, grouped, multiplied, transposed, resized."""
    net = Net()
    x = tf.nn.relu(net.bn(net.conv(x, 32, 3, 2)))
    x = tf.nn.relu(net.bn(net.conv(x, 64, 3, groups=4)))
    x = tf.nn.relu(net.conv(x, 64, 3, dilation=2, bias=True))
    # As tf.layers and tf.nn.convolution wrote it before convolutions had dilations.
    y = tf.space_to_batch_nd(x, [2, 2], [[2, 2], [2, 2]])
    y = net.conv(y, 64, 3, 1, "VALID")
    x = tf.nn.relu(tf.batch_to_space(y, [2, 2], [[0, 0], [0, 0]]))
    x = tf.nn.relu6(net.bn(net.depthwise(x, 3, 1, multiplier=2)))
    x = net.bn(net.depthwise(x, 3, dilation=[2, 2]))
    w = net.variable("up", [2, 2, 32, net.channels(x)])
    _, h, width, _ = x.shape
    x = tf.nn.conv2d_transpose(x, w, [tf.shape(x)[0], 2 * h, 2 * width, 32], [1, 2, 2, 1])
    x = v1.image.resize_bilinear(x, [64, 64])
    x = tf.image.resize(x, [2 * int(x.shape[1]), 2 * int(x.shape[2])], "nearest")
    x = v1.image.resize_bilinear(x, tf.shape(x)[1:3] // 4, align_corners=True)
    a, b, c = tf.split(x, [8, 8, 16], axis=3)
    return tf.concat([a, b, tf.nn.leaky_relu(c)], 3)


NETS = {
    "mobilenet_v1": (mobilenet_v1, [1, 224, 224, 3]),
    "mobilenet_v2": (mobilenet_v2, [None, 224, 224, 3]),
    "mobilenet_v3": (mobilenet_v3, [1, 224, 224, 3]),
    "mobilenet_v3_scaled": (mobilenet_v3_scaled, [None, 224, 224, 3]),
    "resnet18": (resnet18, [1, 224, 224, 3]),
    "resnet18_nchw": (resnet18_nchw, [1, 224, 224, 3]),
    "vgg": (vgg, [None, 224, 224, 3]),
    "shufflenet_v2": (shufflenet_v2, [None, 224, 224, 3]),
    "shufflenet_v2_fixed": (shufflenet_v2_fixed, [1, 224, 224, 3]),
    "nas_bench_201": (nas_bench_201, [None, 32, 32, 3]),
    "odd_windows": (odd_windows, [None, 64, 64, 3]),
}


FIXTURES = ["keras_unit", "mobilenet_v2", "mobilenet_v3", "nas_bench_201", "odd_windows",
            "resnet18_nchw", "shufflenet_v2", "vgg"]


def freeze(build, shape):
    """As nn-Meter's users do: a session, then convert_variables_to_constants."""
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, shape, name="input")
        y = tf.identity(build(x), name="output")
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            return v1.graph_util.convert_variables_to_constants(
                session, graph.as_graph_def(add_shapes=False), [y.op.name])


def keras_unit():
    """A unit as tf.keras writes it: batch normalisation by hand, squeeze-and-excite, swish."""
    layers = tf.keras.layers
    x = inputs = layers.Input([56, 56, 24])
    for act in ("relu6", "silu"):
        x = layers.Conv2D(96, 1, use_bias=False)(x)
        x = layers.Activation(act)(layers.BatchNormalization()(x))
        x = layers.ZeroPadding2D(1)(x)
        x = layers.DepthwiseConv2D(3, 2, use_bias=False)(x)
        x = layers.Activation(act)(layers.BatchNormalization()(x))
        y = layers.Reshape([1, 1, 96])(layers.GlobalAveragePooling2D()(x))
        y = layers.Conv2D(24, 1, activation=act if act == "silu" else "relu")(y)
        x = layers.multiply([x, layers.Conv2D(96, 1, activation="sigmoid")(y)])
        x = layers.BatchNormalization(scale=False)(layers.Conv2D(24, 1, use_bias=False)(x))
    x = layers.SeparableConv2D(32, 5, padding="same", activation="relu")(x)
    x = layers.Dense(10)(layers.Flatten()(layers.AveragePooling2D(2)(x)))
    return tf.keras.Model(inputs, x)


def freeze_function(model):
    """A function of tf.keras, then convert_variables_to_constants_v2."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
    function = tf.function(lambda x: model(x, training=False))
    spec = tf.TensorSpec([None, *model.input_shape[1:]], tf.float32)
    concrete = function.get_concrete_function(spec)
    return convert_variables_to_constants_v2(concrete).graph.as_graph_def()


KERAS = {"keras_mobilenet_v2": ("MobileNetV2", 224),
         "keras_mobilenet_v3_small": ("MobileNetV3Small", 224),
         "keras_efficientnet_b0": ("EfficientNetB0", 224),
         "keras_resnet50": ("ResNet50", 224),
         "keras_densenet121": ("DenseNet121", 224),
         "keras_nasnet_mobile": ("NASNetMobile", 224),
         "keras_inception_v3": ("InceptionV3", 299)}


def keras(name):
    if name == "keras_unit":
        return keras_unit()
    application, size = KERAS[name]
    return getattr(tf.keras.applications, application)(weights=None, input_shape=(size, size, 3))


def shrink(graph):
    """One value for all of a large float tensor, and no gradients of functions."""
    graph.ClearField("library")
    for node in graph.node:
        tensor = node.attr["value"].tensor if node.op == "Const" else None
        if tensor is not None and tensor.dtype == tf.float32.as_datatype_enum:
            values = tf.make_ndarray(tensor)
            if values.size > 8:
                tensor.tensor_content = b""
                del tensor.float_val[:]
                tensor.float_val.append(float(values.flat[0]))
    return graph


def macs(graph):
    """Multiply-accumulates, by TensorFlow's shapes at batch 1."""
    for node in graph.node:
        if node.op == "Placeholder" and node.attr["shape"].shape.dim:
            node.attr["shape"].shape.dim[0].size = 1
    total = 0
    with tf.Graph().as_default() as imported:
        tf.import_graph_def(graph, name="")
        for op in imported.get_operations():
            if op.type == "Conv2D":
                out, w = op.outputs[0].shape, op.inputs[1].shape
                total += int(np.prod(out)) * int(np.prod(w[:3]))
            elif op.type == "DepthwiseConv2dNative":
                total += int(np.prod(op.outputs[0].shape)) * int(np.prod(op.inputs[1].shape[:2]))
            elif op.type == "Conv2DBackpropInput":
                data, w = op.inputs[2].shape, op.inputs[1].shape
                total += int(np.prod(data)) * int(np.prod(w[:3]))
            elif op.type == "MatMul":
                total += int(np.prod(op.outputs[0].shape)) * int(op.inputs[0].shape[-1])
    return total


def main(folder, names):
    for name in names or FIXTURES:
        graph = shrink(freeze(*NETS[name]) if name in NETS else freeze_function(keras(name)))
        data = graph.SerializeToString(deterministic=True)
        with open(os.path.join(folder, f"{name}.pb"), "wb") as file:
            file.write(data)
        ops = sorted({node.op for node in graph.node})
        print(f"{name}: {len(data)} bytes, {macs(graph)} MACs; {' '.join(ops)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
