//===- Constants.cpp - ONNX operators that make constants -----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Node.h"

#include <onnx/onnx_pb.h>

using namespace aero;
using namespace mlir;

namespace {

LogicalResult importConstant(Node &node) {
  using Attribute = onnx::AttributeProto;
  HostTensor result;
  if (node.findAttribute("value")) {
    std::optional<HostTensor> tensor = node.getTensor("value");
    if (!tensor)
      return failure();
    result = std::move(*tensor);
    // A matrix is the server's, in whatever form the exporter wrote it; masks
    // and tables of angles are recognised by what reads them.
    if (node.isReadAsParameter() && result.kind == ElementKind::Float) {
      node.setWeight(0, std::move(result), node.getParameterName(),
                     /*isScalar=*/false);
      return success();
    }
  } else if (node.findAttribute("value_float")) {
    result = HostTensor::makeZeros(ElementKind::Float, {});
    result.floats[0] = node.getFloat("value_float", 0);
  } else if (node.findAttribute("value_int")) {
    result = HostTensor::makeZeros(ElementKind::Int, {});
    result.ints[0] = node.getInt("value_int", 0);
  } else if (const auto *list = node.findAttribute(
                 "value_floats", Attribute::FLOATS, "a list of floats")) {
    result.floats.assign(list->floats().begin(), list->floats().end());
    result.shape = {static_cast<int64_t>(result.floats.size())};
  } else if (std::optional<Shape> list = node.getInts("value_ints")) {
    result =
        HostTensor::makeInts(std::vector<int64_t>(list->begin(), list->end()));
  } else {
    return node.unsupported("it holds neither a tensor nor numbers");
  }
  node.setConstant(0, std::move(result));
  return success();
}

} // namespace

ArrayRef<OperatorInfo> aero::getConstantOperators() {
  static const OperatorInfo operators[] = {
      {"Constant", 9, 0, 0, importConstant},
      {"ConstantOfShape", 9, 1, 1},
      {"Range", 11, 3, 3},
      {"If", 11, 1, 1},
  };
  return operators;
}
