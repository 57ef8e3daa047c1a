# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes small models that unfold without bound: make_hostile.py FOLDER."""

import pathlib
import sys
from typing import List, Sequence

import numpy as np
import onnx
from onnx import FunctionProto, GraphProto, NodeProto, TensorProto, helper
from onnx import numpy_helper

folder = pathlib.Path(sys.argv[1])
OPSETS = [helper.make_opsetid("", 16), helper.make_opsetid("local", 1)]
TRUE = helper.make_tensor("c", TensorProto.BOOL, [], [1])


def write(name: str, nodes: Sequence[NodeProto],
          functions: Sequence[FunctionProto] = ()) -> None:
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])], [TRUE])
    model = helper.make_model(graph, opset_imports=OPSETS, functions=functions)
    (folder / f"{name}.onnx").write_bytes(model.SerializeToString())


def call(name: str, source: str, result: str) -> NodeProto:
    return helper.make_node(name, [source], [result], domain="local")


def function(name: str, nodes: Sequence[NodeProto]) -> FunctionProto:
    return helper.make_function("local", name, ["i"], ["o"], nodes, OPSETS)


def doubling(levels: int, innermost: List[NodeProto]) -> List[FunctionProto]:
    """Functions each of which calls the one before it twice."""
    functions = [function("f0", innermost)]
    for level in range(1, levels + 1):
        inner = f"f{level - 1}"
        functions.append(function(
            f"f{level}", [call(inner, "i", "t"), call(inner, "t", "o")]))
    return functions


def branch(nodes: Sequence[NodeProto]) -> GraphProto:
    return helper.make_graph(
        nodes, "b", [], [helper.make_empty_tensor_value_info("o")])


def choose(then: GraphProto) -> NodeProto:
    return helper.make_node("If", ["c"], ["o"], then_branch=then,
                            else_branch=branch([]))


relu = helper.make_node("Relu", ["i"], ["o"])
write("nodes", [call("f40", "x", "y")], doubling(40, [relu]))
write("calls", [call("f40", "x", "y")], doubling(40, []))

# A megabyte of constants in each call; a name of a megabyte in each.
large = numpy_helper.from_array(np.zeros(1 << 18, dtype=np.float32))
constant = helper.make_node("Constant", [], ["k"], value=large)
write("bytes", [call("f12", "x", "y")], doubling(12, [constant, relu]))
named = helper.make_node("Relu", ["i"], ["o"], name="n" * (1 << 20))
write("names", [call("f12", "x", "y")], doubling(12, [named]))

chain = [function("f0", [relu])]
for level in range(1, 80):
    chain.append(function(f"f{level}", [call(f"f{level - 1}", "i", "o")]))
write("calls-deep", [call("f64", "x", "y")], chain)

deep = branch([helper.make_node("Relu", ["x"], ["o"])])
for _ in range(40):
    deep = branch([choose(deep)])
last = choose(deep)
last.output[0] = "y"
write("branches-deep", [last])

# A function whose branch calls the function.
again = branch([call("f0", "i", "o")])
true = helper.make_node("Constant", [], ["c"], value=TRUE)
write("calls-in-branches", [call("f0", "x", "y")],
      [function("f0", [true, choose(again)])])
