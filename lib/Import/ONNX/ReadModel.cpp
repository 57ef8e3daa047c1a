//===- ReadModel.cpp - An ONNX file into protobuf -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReadModel.h"

#include "Registry.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include <climits>

#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/stubs/logging.h>
#include <onnx/onnx_pb.h>

using namespace aero;
using llvm::StringRef;
namespace io = google::protobuf::io;

namespace {

using ModelPtr = std::unique_ptr<onnx::ModelProto>;

/// Protobuf addresses a message by int.
constexpr uint64_t kMaxFileSize = INT_MAX;

template <typename... Args>
llvm::Error fault(const char *format, const Args &...args) {
  return llvm::createStringError(std::errc::invalid_argument, format, args...);
}

llvm::Error tooLarge() {
  return fault("is larger than 2 GB, the most that one ONNX file can hold; "
               "save its weights as external data (onnx.save_model with "
               "save_as_external_data=True)");
}

enum class Wire { Message, Truncated, Garbage };

/// Reads a base-128 number of at most 10 bytes off the front of `bytes`.
std::optional<uint64_t> takeVarint(StringRef &bytes) {
  uint64_t value = 0;
  for (unsigned i = 0; i < 10 && i < bytes.size(); ++i) {
    uint8_t byte = bytes[i];
    value |= uint64_t(byte & 0x7f) << (7 * i);
    if (!(byte & 0x80)) {
      bytes = bytes.drop_front(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

/// Tells a cut ONNX file from a file of another kind by the outermost fields
/// alone: a cut one starts with fields of ModelProto, and its last field says
/// that it is longer than what is left. `head` is the start of the file, or all
/// of it; `size` the size of the file.
Wire classify(StringRef head, uint64_t size) {
  enum { Varint = 0, Delimited = 2 };
  uint64_t skipped = 0;
  bool any = false;
  while (!head.empty()) {
    StringRef rest = head;
    std::optional<uint64_t> tag = takeVarint(rest);
    if (!tag)
      return any ? Wire::Truncated : Wire::Garbage;
    uint64_t field = *tag >> 3, type = *tag & 7;
    bool number = field == 1 || field == 5; // ir_version, model_version
    bool known = number || (field >= 2 && field <= 8) || field == 14 ||
                 field == 20 || field == 25;
    if (!known || type != (number ? Varint : Delimited))
      return Wire::Garbage;
    std::optional<uint64_t> value = takeVarint(rest);
    if (!value)
      return Wire::Truncated;
    skipped += head.size() - rest.size();
    if (!number) {
      if (*value > size - skipped)
        return any ? Wire::Truncated : Wire::Garbage;
      skipped += *value;
      // Beyond the head; the damage is deeper in the graph.
      if (*value > rest.size())
        return Wire::Message;
      rest = rest.drop_front(*value);
    }
    any = true;
    head = rest;
  }
  return Wire::Message;
}

llvm::Error explainParseFailure(StringRef head, uint64_t size) {
  switch (classify(head, size)) {
  case Wire::Garbage:
    return fault("is not an ONNX model; expected what torch.onnx.export "
                 "writes");
  case Wire::Truncated:
    return fault("is truncated: it ends after %llu bytes in the middle of the "
                 "model; copy or export it again",
                 static_cast<unsigned long long>(size));
  case Wire::Message:
    break;
  }
  return fault("is damaged: it starts as an ONNX model but cannot be read to "
               "its end; copy or export it again");
}

llvm::Error checkModel(const onnx::ModelProto &model) {
  if (!model.has_graph()) {
    if (!model.has_ir_version() && model.opset_import_size() == 0)
      return fault("is not an ONNX model; expected what torch.onnx.export "
                   "writes");
    return fault("holds no graph; export the model again");
  }
  int64_t opset = getOpset(model);
  if (opset < 0)
    return fault("names no operator set; export the model again");
  if (opset < kFirstOpset || opset > kLastOpset)
    return fault("uses operator set %lld, but %lld to %lld are supported; "
                 "export with opset_version=%lld",
                 static_cast<long long>(opset),
                 static_cast<long long>(kFirstOpset),
                 static_cast<long long>(kLastOpset),
                 static_cast<long long>(opset < kFirstOpset ? 13 : kLastOpset));
  return llvm::Error::success();
}

llvm::Expected<ModelPtr> parse(io::ZeroCopyInputStream &stream, StringRef head,
                               uint64_t size) {
  // Protobuf prints its complaints; ours say more.
  google::protobuf::LogSilencer silencer;
  auto model = std::make_unique<onnx::ModelProto>();
  if (!model->ParsePartialFromZeroCopyStream(&stream))
    return explainParseFailure(head, size);
  if (llvm::Error error = checkModel(*model))
    return error;
  return model;
}

} // namespace

int64_t aero::getOpset(const onnx::ModelProto &model) {
  for (const onnx::OperatorSetIdProto &opset : model.opset_import())
    if (opset.domain().empty() || opset.domain() == "ai.onnx")
      return std::max<int64_t>(opset.version(), 0);
  return -1;
}

llvm::Expected<ModelPtr> aero::readModel(StringRef path) {
  llvm::sys::fs::file_status status;
  if (std::error_code error = llvm::sys::fs::status(path, status))
    return fault("cannot be opened: %s; check the path",
                 error.message().c_str());
  if (llvm::sys::fs::is_directory(status))
    return fault("is a folder; name the .onnx file in it");
  auto file = llvm::sys::fs::openNativeFileForRead(path);
  if (!file)
    return fault("cannot be opened: %s; check the path and its permissions",
                 llvm::toString(file.takeError()).c_str());
  llvm::scope_exit close([&] {
    std::error_code ignored = llvm::sys::fs::closeFile(*file);
    (void)ignored;
  });
  uint64_t size = status.getSize();
  if (size == 0 && llvm::sys::fs::is_regular_file(status))
    return fault("is empty; export the model again");
  if (size > kMaxFileSize)
    return tooLarge();

  // For the diagnosis of a file that cannot be read; a cut file shows in its
  // first fields.
  std::string head(std::min<uint64_t>(size, 1 << 16), '\0');
  if (auto slice = llvm::sys::fs::readNativeFileSlice(
          *file, llvm::MutableArrayRef<char>(head.data(), head.size()), 0))
    head.resize(*slice);
  else
    return fault("cannot be read: %s; check its permissions",
                 llvm::toString(slice.takeError()).c_str());

  // A stream instead of a mapped file: mapped pages would count once more
  // towards the peak memory of a large model.
  io::FileInputStream stream(*file, /*block_size=*/1 << 20);
  return parse(stream, head, size);
}

llvm::Expected<ModelPtr> aero::readModel(llvm::MemoryBufferRef buffer) {
  if (buffer.getBufferSize() == 0)
    return fault("is empty; export the model again");
  if (buffer.getBufferSize() > kMaxFileSize)
    return tooLarge();
  io::ArrayInputStream stream(buffer.getBufferStart(),
                              static_cast<int>(buffer.getBufferSize()));
  return parse(stream, buffer.getBuffer(), buffer.getBufferSize());
}
