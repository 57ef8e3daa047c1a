//===- Constants.cpp - ONNX operators that make constants -----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Node.h"

#include "../TensorReader.h"

#include <onnx/onnx_pb.h>

using namespace aero;
using namespace mlir;

namespace {

LogicalResult importConstant(Node &node) {
  HostTensor result;
  if (const onnx::AttributeProto *value = node.findAttribute("value")) {
    auto tensor = TensorReader("").read(value->t());
    if (!tensor)
      return node.unsupported("its value " +
                              llvm::toString(tensor.takeError()));
    result = std::move(*tensor);
    // A matrix is the server's, in whatever form the exporter wrote it; masks
    // and tables of angles are recognised by what reads them.
    if (node.isReadAsParameter() && result.kind == ElementKind::Float) {
      node.setWeight(0, std::move(result), node.getFirstOutput());
      return success();
    }
  } else if (const auto *number = node.findAttribute("value_float")) {
    result = HostTensor::makeZeros(ElementKind::Float, {});
    result.floats[0] = number->f();
  } else if (const auto *number = node.findAttribute("value_int")) {
    result = HostTensor::makeZeros(ElementKind::Int, {});
    result.ints[0] = number->i();
  } else if (const auto *list = node.findAttribute("value_floats")) {
    result.floats.assign(list->floats().begin(), list->floats().end());
    result.shape = {static_cast<int64_t>(result.floats.size())};
  } else if (const auto *list = node.findAttribute("value_ints")) {
    result = HostTensor::makeInts(
        std::vector<int64_t>(list->ints().begin(), list->ints().end()));
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
