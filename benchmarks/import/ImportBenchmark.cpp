//===- ImportBenchmark.cpp - What importing a model costs -----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// AeroImportBenchmark parse|import|raise MODEL: parses the protobuf message
/// and nothing else, imports the model, or imports and raises it. Prints
/// seconds and the peak memory of the process as JSON, so that each step is
/// measured in a process of its own (run.py does).
///
//===----------------------------------------------------------------------===//

#include "aero/Dialect/PI/Transforms/Passes.h"
#include "aero/Import/ONNX/Import.h"
#include "aero/InitAll.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <onnx/onnx_pb.h>

using namespace aero;
using namespace mlir;

/// As the importer reads it, in blocks, so that only the work differs.
static bool parse(const char *path) {
  int file = open(path, O_RDONLY);
  if (file < 0)
    return false;
  google::protobuf::io::FileInputStream stream(file, /*block_size=*/1 << 20);
  onnx::ModelProto model;
  bool parsed = model.ParseFromZeroCopyStream(&stream);
  close(file);
  return parsed;
}

static bool import(const char *path, bool raises) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  auto module = importONNX(path, context);
  if (!module) {
    llvm::errs() << llvm::toString(module.takeError()) << "\n";
    return false;
  }
  if (!raises)
    return true;
  PassManager manager(&context);
  OpPassManager &nested = manager.nest<func::FuncOp>();
  nested.addPass(pi::createRaisePass());
  nested.addPass(pi::createVerifyRaisedPass());
  return succeeded(manager.run(**module));
}

int main(int argc, char **argv) {
  StringRef step = argc == 3 ? argv[1] : "";
  if (step != "parse" && step != "import" && step != "raise") {
    llvm::errs() << "usage: " << argv[0] << " parse|import|raise MODEL\n";
    return 1;
  }
  auto start = std::chrono::steady_clock::now();
  bool done = step == "parse" ? parse(argv[2])
                              : import(argv[2], /*raises=*/step == "raise");
  double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  if (!done) {
    llvm::errs() << argv[2] << ": cannot be measured\n";
    return 1;
  }
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  llvm::outs() << "{\"seconds\": " << llvm::format("%.3f", seconds)
               << ", \"peak_bytes\": " << usage.ru_maxrss * 1024L << "}\n";
  return 0;
}
