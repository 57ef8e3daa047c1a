//===- InitAll.cpp - Every dialect and pass of AERO -----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/InitAll.h"

#include "aero/Conversion/LinalgToPI/LinalgToPI.h"
#include "aero/Conversion/PIToLinalg/PIToLinalg.h"
#include "aero/Conversion/PIToMPC/PIToMPC.h"
#include "aero/Dialect/MPC/IR/MPCDialect.h"
#include "aero/Dialect/MPC/Transforms/Passes.h"
#include "aero/Dialect/PI/IR/PIDialect.h"
#include "aero/Dialect/PI/Transforms/Passes.h"
#include "aero/Pipelines/Pipelines.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Transforms/Passes.h"

void aero::registerAllDialects(mlir::DialectRegistry &registry) {
  registry.insert<mlir::func::FuncDialect>();
  // What a network is handed over and taken back in.
  registry.insert<mlir::arith::ArithDialect, mlir::linalg::LinalgDialect,
                  mlir::math::MathDialect, mlir::ml_program::MLProgramDialect,
                  mlir::tensor::TensorDialect>();
  registry.insert<aero::mpc::MPCDialect>();
  registry.insert<aero::pi::PIDialect>();
}

void aero::registerAllPasses() {
  mlir::registerTransformsPasses();
  aero::pi::registerPIPasses();
  aero::mpc::registerMPCPasses();
  aero::registerLinalgToPIPasses();
  aero::registerPIToLinalgPasses();
  aero::registerPIToMPCPasses();
  aero::registerPipelines();
}
