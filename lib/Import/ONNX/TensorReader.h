//===- TensorReader.h - Tensors of an ONNX file ---------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_IMPORT_ONNX_TENSORREADER_H
#define AERO_LIB_IMPORT_ONNX_TENSORREADER_H

#include "HostTensor.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <string>

namespace llvm::sys::fs {
class mapped_file_region;
} // namespace llvm::sys::fs

namespace onnx {
class TensorProto;
} // namespace onnx

namespace aero {

/// Bytes of an external file, and what keeps them mapped.
struct MappedBytes {
  std::shared_ptr<const llvm::sys::fs::mapped_file_region> owner;
  llvm::StringRef bytes;
};

/// Reads the tensors of one model: their data may be in the model's message, as
/// raw bytes or in typed fields, or in other files of the model's folder.
/// Errors are phrases to be put after the tensor's name.
class TensorReader {
public:
  /// External data is looked for in `folder`; refused if that is empty.
  explicit TensorReader(std::string folder) : folder(std::move(folder)) {}

  /// Checks a tensor's type, dimensions and amount of data, without reading the
  /// data.
  llvm::Expected<std::pair<ElementKind, Shape>>
  check(const onnx::TensorProto &tensor);

  llvm::Expected<HostTensor> read(const onnx::TensorProto &tensor);

  /// The bytes of a tensor with external data, which `check` has accepted.
  llvm::Expected<MappedBytes> mapExternal(const onnx::TensorProto &tensor);

  /// To be called once for each tensor with external data that is imported: an
  /// error if they take many times what their files hold, as tensors over the
  /// same bytes do.
  llvm::Error claimExternal(const onnx::TensorProto &tensor);

private:
  using Region = std::shared_ptr<const llvm::sys::fs::mapped_file_region>;

  llvm::Expected<Region> mapFile(llvm::StringRef location);

  std::string folder;
  /// By location, as the file spells it.
  llvm::StringMap<Region> files;
  uint64_t mappedBytes = 0, claimedBytes = 0;
};

/// The tensor keeps its data in another file.
bool isExternal(const onnx::TensorProto &tensor);

} // namespace aero

#endif // AERO_LIB_IMPORT_ONNX_TENSORREADER_H
