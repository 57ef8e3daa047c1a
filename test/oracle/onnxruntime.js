// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs a model on ONNX Runtime: node onnxruntime.js MODEL TOKENS.json OUT.f32
// TOKENS.json is a list of token lists, one inference each; OUT.f32 receives
// the first output of each, little-endian float32, one after the other.

const fs = require('fs');
const ort = require('onnxruntime-node');

async function main() {
  const [model, tokensFile, outFile] = process.argv.slice(2);
  const session = await ort.InferenceSession.create(model);
  const prompts = JSON.parse(fs.readFileSync(tokensFile, 'utf8'));
  const out = fs.openSync(outFile, 'w');
  for (const prompt of prompts) {
    const tokens = new ort.Tensor(
        'int64', BigInt64Array.from(prompt.map(BigInt)), [1, prompt.length]);
    const results = await session.run({[session.inputNames[0]]: tokens});
    const data = results[session.outputNames[0]].data;
    fs.writeSync(out, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  }
  fs.closeSync(out);
}

main().catch(error => {
  console.error(String(error));
  process.exit(1);
});
