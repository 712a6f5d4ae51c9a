"""The peers of our tree inference: makes the models that all share, and times each peer's own.

`peers.py make DIR` trains both models with scikit-learn and writes them as XGBoost models too, with
the same splits and leaves rounded to float32: DIR/{forest,boosted}.{json,pickle}; the rows as raw
float32: DIR/{distinct,repeated}.f32; and the predictions of XGBoost, DIR/MODEL.ROWS.f32, and of
scikit-learn, DIR/MODEL.ROWS.f64.

`peers.py serve DIR` first prints its peers, one a line as `MODEL PEER`, then an empty line. For each
line `MODEL PEER ROWS COUNT` that it reads it has the peer predict: with COUNT 0 all rows at once,
otherwise the first COUNT rows one by one. It prints the thread's CPU time in nanoseconds. One thread.
"""

import functools
import json
import os
import pickle
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import tl2cgen
import treelite
import xgboost
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor

N_FEATURES = 12
N_ROWS = 10_000
N_REPEATED = 400
ROWS = ("distinct", "repeated")
MODELS = ("forest", "boosted")


def kernels(random, count):
    """Convolutions as a builder samples them: seven integers, and five counts that follow."""
    channels = np.r_[3, np.arange(8, 256, 8), np.arange(256, 2049, 32)]
    hw = random.choice(np.r_[np.arange(1, 33), 56, 112, 160, 224], count)
    cin, cout = random.choice(channels, (2, count))
    kernel = random.choice([1, 3, 5, 7], count, p=[0.4, 0.4, 0.15, 0.05])
    stride = random.choice([1, 2, 4], count, p=[0.7, 0.25, 0.05])
    out = -(-hw // stride)
    macs = out**2 * cin * cout * kernel**2
    params = cin * cout * kernel**2
    read, written = hw**2 * cin, out**2 * cout
    padded = out**2 * kernel**2 * (-(-cin // 8) * 8) * (-(-cout // 8) * 8)
    columns = [hw, cin, cout, kernel, stride, out, cin % 8, macs, params, read, written, padded]
    return np.stack(columns, axis=1).astype(np.float32)


def milliseconds(random, rows):
    macs, params, read, written, padded = rows.T[7:]
    time = padded / 1e7 + (params + read + written) / 1e6 + 0.01 + macs % 7 / 1e3
    return time * random.lognormal(0, 0.05, len(rows))


def below(threshold):
    """The float32 t for which x < t is x <= threshold, for every float32 x."""
    nearest = np.float32(threshold)
    down = np.where(nearest > threshold, np.nextafter(nearest, np.float32(-np.inf)), nearest)
    return np.nextafter(down, np.float32(np.inf))


def forest_trees(model):
    for tree in (estimator.tree_ for estimator in model.estimators_):
        value = tree.value[:, 0, 0] / len(model.estimators_)
        yield tree.children_left, tree.children_right, tree.feature, tree.threshold, value


def boosted_trees(model):
    for [predictor] in model._predictors:
        nodes = predictor.nodes
        leaf = nodes["is_leaf"].astype(bool)
        left, right = (np.where(leaf, -1, nodes[side].astype(int)) for side in ("left", "right"))
        yield left, right, nodes["feature_idx"], nodes["num_threshold"], nodes["value"]


def to_xgboost(trees, base_score, path):
    """Writes trees as an XGBoost model, into the frame of one that XGBoost trained."""
    data = xgboost.DMatrix(np.zeros((2, N_FEATURES)), np.zeros(2))
    booster = xgboost.train({"base_score": float(base_score)}, data, 1)
    frame = json.loads(booster.save_raw("json"))
    model = frame["learner"]["gradient_booster"]["model"]
    [example] = model["trees"]
    model["trees"] = [xgboost_tree(example, index, *tree) for index, tree in enumerate(trees)]
    count = len(model["trees"])
    model["tree_info"] = [0] * count
    model["iteration_indptr"] = list(range(count + 1))
    model["gbtree_model_param"]["num_trees"] = str(count)
    with open(path, "w") as file:
        json.dump(frame, file)


def xgboost_tree(example, index, *columns):
    """XGBoost takes it that the right child follows the left one, so the nodes go breadth first."""
    left, right, feature, threshold, value = columns
    order = [0]
    for at in order:
        if left[at] != -1:
            order += [left[at], right[at]]
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))
    left, right, feature, threshold, value = (column[order] for column in columns)
    left, right = (np.where(side == -1, -1, place[side]) for side in (left, right))
    n_nodes, leaf = len(left), left == -1
    parents = np.full(n_nodes, 2**31 - 1)
    for children in (left, right):
        parents[children[~leaf]] = np.flatnonzero(~leaf)
    condition = np.where(leaf, value.astype(np.float32), below(threshold)).astype(np.float32)
    parameters = {**example["tree_param"], "num_nodes": str(n_nodes)}
    statistics = {name: [0.0] * n_nodes for name in ("loss_changes", "sum_hessian")}
    return {
        **example,
        **statistics,
        "id": index,
        "tree_param": parameters,
        "left_children": left.tolist(),
        "right_children": right.tolist(),
        "parents": parents.tolist(),
        "split_indices": np.where(leaf, 0, feature).tolist(),
        "split_conditions": condition.tolist(),
        "base_weights": np.where(leaf, value, 0.0).tolist(),
        "default_left": [0] * n_nodes,
        "split_type": [0] * n_nodes,
    }


def make(folder):
    random = np.random.default_rng(20)
    train = kernels(random, 20_000)
    target = milliseconds(random, train)
    rows = np.unique(kernels(random, 2 * N_ROWS), axis=0)
    rows = random.permutation(rows)[:N_ROWS]
    rows.tofile(f"{folder}/distinct.f32")
    rows[random.integers(0, N_REPEATED, N_ROWS)].tofile(f"{folder}/repeated.f32")

    forest = RandomForestRegressor(320, max_leaf_nodes=7500, max_features=0.5, random_state=1)
    forest.fit(train, target)
    to_xgboost(forest_trees(forest), 0.0, f"{folder}/forest.json")
    save(forest, f"{folder}/forest.pickle")

    boosted = HistGradientBoostingRegressor(
        max_iter=1000, max_leaf_nodes=31, learning_rate=0.05, early_stopping=False, random_state=1
    )
    boosted.fit(train, target)
    to_xgboost(boosted_trees(boosted), boosted._baseline_prediction[0, 0], f"{folder}/boosted.json")
    save(boosted, f"{folder}/boosted.pickle")
    predict(folder)


def save(model, path):
    with open(path, "wb") as file:
        pickle.dump(model, file)


def load(path):
    with open(path, "rb") as file:
        return pickle.load(file)


def predict(folder):
    """Writes the predictions of XGBoost and scikit-learn, which must agree but for rounding."""
    for name in MODELS:
        booster, sklearn = load_xgboost(folder, name), load(f"{folder}/{name}.pickle")
        for rows_name in ROWS:
            rows = load_rows(folder, rows_name)
            single, double = booster.inplace_predict(rows), sklearn.predict(rows)
            np.testing.assert_allclose(single, double, rtol=1e-3, atol=1e-3)
            single.tofile(f"{folder}/{name}.{rows_name}.f32")
            double.tofile(f"{folder}/{name}.{rows_name}.f64")


def load_rows(folder, name):
    return np.fromfile(f"{folder}/{name}.f32", np.float32).reshape(-1, N_FEATURES)


def load_xgboost(folder, name):
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(f"{folder}/{name}.json")
    booster.set_param({"nthread": 1})
    return booster


def peers(folder):
    """From (model, peer) to two functions: what to prepare of rows, and their prediction."""
    found = {}
    for name in MODELS:
        booster = load_xgboost(folder, name)
        sklearn = load(f"{folder}/{name}.pickle")
        lite = treelite.frontend.load_xgboost_model(f"{folder}/{name}.json")
        matrix = functools.partial(xgboost.DMatrix, nthread=1)
        gtil = functools.partial(treelite.gtil.predict, lite, nthread=1)
        found[name, "xgboost.inplace_predict"] = (np.asarray, booster.inplace_predict)
        found[name, "xgboost.predict"] = (matrix, booster.predict)
        found[name, "treelite.gtil"] = (np.asarray, gtil)
        found[name, "scikit-learn"] = (np.asarray, sklearn.predict)
    found["boosted", "tl2cgen"] = (tl2cgen.DMatrix, compiled(folder, lite).predict)
    return found


def compiled(folder, model):
    """The boosted model as C, compiled once. The forest's four million lines are beyond a compiler."""
    library = f"{folder}/boosted.so"
    if not os.path.exists(library):
        tl2cgen.export_lib(
            model, toolchain="gcc", libpath=library, params={"quantize": 1, "parallel_comp": 8}
        )
    return tl2cgen.Predictor(library, nthread=1)


def serve(folder):
    served = peers(folder)
    for model, peer in served:
        print(model, peer)
    print(flush=True)
    rows = {name: load_rows(folder, name) for name in ROWS}

    for line in sys.stdin:
        model, peer, rows_name, count = line.split()
        prepare, predict = served[model, peer]
        single = range(int(count))
        inputs = [rows[rows_name][at : at + 1] for at in single] or [rows[rows_name]]
        # Afresh each time: XGBoost keeps the predictions of a matrix that it has seen.
        inputs = [prepare(one) for one in inputs]
        start = time.thread_time_ns()
        for one in inputs:
            predict(one)
        print(time.thread_time_ns() - start, flush=True)


if __name__ == "__main__":
    {"make": make, "serve": serve}[sys.argv[1]](sys.argv[2])
