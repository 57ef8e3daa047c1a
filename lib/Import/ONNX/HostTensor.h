//===- HostTensor.h - Public constants at import time ---------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_IMPORT_ONNX_HOSTTENSOR_H
#define AERO_LIB_IMPORT_ONNX_HOSTTENSOR_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace aero {

/// What ONNX element types become: all integers i64, all floats f32.
enum class ElementKind { Float, Int, Bool };

using Shape = llvm::SmallVector<int64_t, 4>;

/// The number of elements of a shape; nullopt if it has more than 64
/// dimensions, if one is negative, or if the product of those that are not zero
/// is beyond 2^40, which no tensor here may have.
std::optional<int64_t> countElements(llvm::ArrayRef<int64_t> shape);

/// The kind of an ONNX element type (TensorProto::DataType), if supported.
std::optional<ElementKind> getElementKind(int32_t onnxType);

/// "FLOAT16" and so on, for messages.
std::string getElementTypeName(int32_t onnxType);

/// The shape that ONNX (numpy) broadcasting gives, or nullopt.
std::optional<Shape> broadcastShapes(llvm::ArrayRef<int64_t> a,
                                     llvm::ArrayRef<int64_t> b);

/// A constant tensor in plain vectors, for shape arithmetic.
struct HostTensor {
  ElementKind kind = ElementKind::Float;
  Shape shape;
  /// Row-major elements; floats for Float, ints for Int and Bool (0 or 1).
  std::vector<float> floats;
  std::vector<int64_t> ints;

  static HostTensor makeInts(std::vector<int64_t> values);
  /// From an attribute of f32, i64 or i1 elements.
  static HostTensor fromAttr(mlir::DenseElementsAttr attr);
  static HostTensor makeZeros(ElementKind kind, llvm::ArrayRef<int64_t> shape);

  int64_t size() const {
    return kind == ElementKind::Float ? floats.size() : ints.size();
  }
  /// Element `i` as a double; exact for Float, Bool and |Int| <= 2^53.
  double at(int64_t i) const {
    return kind == ElementKind::Float ? floats[i]
                                      : static_cast<double>(ints[i]);
  }
  /// The only element if it is an integer, or nullopt.
  std::optional<int64_t> getSingleInt() const {
    return kind == ElementKind::Int && ints.size() == 1 ? std::optional(ints[0])
                                                        : std::nullopt;
  }
  /// Appends element `i` of a tensor of the same kind.
  void append(const HostTensor &other, int64_t i);

  mlir::RankedTensorType getType(mlir::MLIRContext *context) const;
  mlir::DenseElementsAttr getAttr(mlir::MLIRContext *context) const;
};

/// Visits the elements of a tensor of `shape`, in row-major order of the
/// result, as seen through strides.
class StridedIndex {
public:
  StridedIndex(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> strides)
      : shape(shape), strides(strides), position(shape.size(), 0) {}
  int64_t get() const { return offset; }
  void next();

private:
  Shape shape, strides, position;
  int64_t offset = 0;
};

/// Row-major strides.
Shape getStrides(llvm::ArrayRef<int64_t> shape);
/// Strides with which `shape` is read as the larger `result`: 0 where it
/// broadcasts.
Shape getBroadcastStrides(llvm::ArrayRef<int64_t> shape,
                          llvm::ArrayRef<int64_t> result);

} // namespace aero

#endif // AERO_LIB_IMPORT_ONNX_HOSTTENSOR_H
