//===- ImportWeights.cpp - Trained values into an ONNX model --------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Import/ONNX/Weights.h"

#include "Node.h"
#include "ReadModel.h"
#include "TensorReader.h"

#include "aero/Support/PendingFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Path.h"

#include <climits>

#include <onnx/onnx_pb.h>

using namespace aero;
using llvm::StringRef;
using onnx::TensorProto;

namespace {

/// An ONNX file and what reads its tensors.
struct File {
  std::string path;
  std::unique_ptr<onnx::ModelProto> model;
  TensorReader reader;

  static llvm::Expected<File> open(StringRef path) {
    auto model = readModel(path);
    if (!model)
      return llvm::createStringError(path + ": " +
                                     llvm::toString(model.takeError()));
    StringRef folder = llvm::sys::path::parent_path(path);
    return File{path.str(), std::move(*model),
                TensorReader(folder.empty() ? "." : folder.str())};
  }
};

bool isFloat(const TensorProto &tensor) {
  return aero::getElementKind(tensor.data_type()) == ElementKind::Float;
}

std::string describeShape(const TensorProto &tensor) {
  std::string text = "[";
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(tensor.dims(), os);
  os << "]";
  return text;
}

/// Moves the bytes of external data into the message.
llvm::Error embed(TensorProto &tensor, TensorReader &reader) {
  if (!isExternal(tensor))
    return llvm::Error::success();
  if (auto checked = reader.check(tensor); !checked)
    return checked.takeError();
  auto mapped = reader.mapExternal(tensor);
  if (!mapped)
    return mapped.takeError();
  tensor.set_raw_data(mapped->bytes.str());
  tensor.clear_external_data();
  tensor.clear_data_location();
  return llvm::Error::success();
}

/// Gives `to` the elements of `from`, which loses them.
llvm::Error replace(TensorProto &to, TensorProto &from, TensorReader &reader) {
  if (auto checked = reader.check(from); !checked)
    return checked.takeError();
  std::string bytes;
  if (from.data_type() == TensorProto::FLOAT && from.has_raw_data()) {
    bytes.swap(*from.mutable_raw_data());
  } else {
    auto values = reader.read(from);
    if (!values)
      return values.takeError();
    bytes.assign(reinterpret_cast<const char *>(values->floats.data()),
                 values->floats.size() * sizeof(float));
  }
  TensorProto fresh;
  fresh.set_name(to.name());
  fresh.set_data_type(TensorProto::FLOAT);
  *fresh.mutable_dims() = to.dims();
  fresh.set_doc_string(to.doc_string());
  fresh.mutable_raw_data()->swap(bytes);
  to.Swap(&fresh);
  return llvm::Error::success();
}

llvm::Error write(const onnx::ModelProto &model, StringRef path) {
  if (model.ByteSizeLong() > INT_MAX)
    return llvm::createStringError(
        "cannot write '" + path +
        "': with its weights in one file it would be larger than 2 GB, the "
        "most that ONNX allows; put the values in with onnx.load and "
        "onnx.save_model(save_as_external_data=True)");
  auto file = PendingFile::create(path);
  if (!file)
    return file.takeError();
  if (!model.SerializeToFileDescriptor(file->getDescriptor()))
    return llvm::createStringError("cannot write '" + path +
                                   "': no space is left, or the disk failed");
  if (llvm::Error error = file->finish())
    return error;
  return file->keep();
}

} // namespace

llvm::Expected<WeightsSummary>
aero::importWeights(StringRef modelPath, StringRef trainedPath,
                    StringRef output, const WeightsOptions &options) {
  auto model = File::open(modelPath);
  if (!model)
    return model.takeError();
  auto trained = File::open(trainedPath);
  if (!trained)
    return trained.takeError();

  WeightsSummary summary;
  std::vector<std::string> problems;
  auto add = [&](const File &file, const llvm::Twine &text) {
    problems.push_back((file.path + ": " + text).str());
  };
  llvm::StringMap<TensorProto *> values;
  for (TensorProto &tensor :
       *trained->model->mutable_graph()->mutable_initializer())
    if (isFloat(tensor) && !values.try_emplace(tensor.name(), &tensor).second)
      add(*trained, "initializer " + quoted(tensor.name()) +
                        " is defined twice; export the model again");

  llvm::StringSet<> wanted;
  for (TensorProto &tensor :
       *model->model->mutable_graph()->mutable_initializer()) {
    std::string title = "initializer " + quoted(tensor.name());
    TensorProto *from =
        isFloat(tensor) ? values.lookup(tensor.name()) : nullptr;
    wanted.insert(tensor.name());
    if (!from) {
      if (isFloat(tensor)) {
        summary.missing.push_back(tensor.name());
        if (!options.partial)
          add(*trained, "has no " + title + ", which " + model->path +
                            " has; train the exported model itself, or keep "
                            "the old values with --partial");
      }
      if (llvm::Error error = embed(tensor, model->reader))
        add(*model, title + " " + llvm::toString(std::move(error)));
      continue;
    }
    if (!std::equal(tensor.dims().begin(), tensor.dims().end(),
                    from->dims().begin(), from->dims().end())) {
      add(*trained, title + " has the shape " + describeShape(*from) +
                        ", but in " + model->path + " " +
                        describeShape(tensor) +
                        "; train the exported model itself");
      continue;
    }
    if (tensor.data_type() != TensorProto::FLOAT &&
        tensor.data_type() != from->data_type()) {
      add(*trained, title + " has the element type " +
                        getElementTypeName(from->data_type()) + ", but in " +
                        model->path + " " +
                        getElementTypeName(tensor.data_type()) +
                        "; train the exported model itself");
      continue;
    }
    llvm::Error error = llvm::Error::success();
    if (tensor.data_type() == TensorProto::FLOAT) {
      error = llvm::joinErrors(std::move(error),
                               replace(tensor, *from, trained->reader));
    } else if (auto checked = trained->reader.check(*from); !checked) {
      error = llvm::joinErrors(std::move(error), checked.takeError());
    } else {
      error = llvm::joinErrors(std::move(error), embed(*from, trained->reader));
      tensor.Swap(from);
    }
    if (error) {
      add(*trained, title + " " + llvm::toString(std::move(error)));
      continue;
    }
    ++summary.replaced;
    summary.elements +=
        *countElements(Shape(tensor.dims().begin(), tensor.dims().end()));
  }
  for (const TensorProto &tensor : trained->model->graph().initializer())
    if (isFloat(tensor) && !wanted.contains(tensor.name())) {
      summary.extra.push_back(tensor.name());
      if (!options.partial)
        add(*trained, "initializer " + quoted(tensor.name()) + " is not in " +
                          model->path +
                          "; train the exported model itself, or pass over it "
                          "with --partial");
    }
  if (!problems.empty())
    return llvm::createStringError(llvm::join(problems, "\n"));
  trained->model.reset();
  if (llvm::Error error = write(*model->model, output))
    return error;
  return summary;
}
