//===- ProtocolHarness.cpp - Parties in one process -----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProtocolHarness.h"

#include "Session/Session.h"

#include <thread>

using namespace aero;
using namespace aero::rt;
using namespace aero::rt::test;

static void fillValue(program::Value &value, const Shape &shape, unsigned bits,
                      int frac) {
  for (uint32_t dim : shape)
    value.add_shape(dim);
  value.set_bits(bits);
  value.set_frac(frac);
}

uint32_t PairRun::operandShares(Shape shape, unsigned bits, int frac,
                                Share client, Share server) {
  fillValue(*program.add_values(), shape, bits, frac);
  clientShares.push_back(std::move(client));
  serverShares.push_back(std::move(server));
  return program.values_size() - 1;
}

uint32_t PairRun::operand(Shape shape, unsigned bits, int frac,
                          const Values &values) {
  Share client(values.size()), server(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    client[i] = inputs.word() & ringMask(bits);
    server[i] = (uint64_t(values[i]) - client[i]) & ringMask(bits);
  }
  return operandShares(std::move(shape), bits, frac, std::move(client),
                       std::move(server));
}

uint32_t PairRun::weight(Shape shape, int frac, program::Weight::Type type,
                         const Values &values) {
  program::Weight &weight = *program.add_weights();
  for (uint32_t dim : shape)
    weight.add_shape(dim);
  weight.set_frac(frac);
  weight.set_type(type);
  uint64_t offset = 0;
  if (program.weights_size() > 1) {
    const program::Weight &last = program.weights(program.weights_size() - 2);
    uint64_t width = last.type() == program::Weight::TYPE_I32 ? 4 : 8;
    offset =
        (last.offset() + weightValues.back().size() * width + 63) / 64 * 64;
  }
  weight.set_offset(offset);
  weightValues.push_back(values);
  return program.weights_size() - 1;
}

program::Instruction &PairRun::instruction(Shape shape, unsigned bits,
                                           int frac) {
  program::Instruction &instruction = *program.add_instructions();
  for (int i = 0; i < program.values_size(); ++i)
    instruction.add_operands(i);
  instruction.set_result(program.values_size());
  fillValue(*program.add_values(), shape, bits, frac);
  return instruction;
}

static void append(std::vector<uint8_t> &to, std::span<const uint8_t> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

/// The set-up message of the weight that the instruction masks, if any.
static std::vector<uint8_t> maskWeight(const MaskedWeight &weight,
                                       const Values &values,
                                       const Seed &serverSeed) {
  Prg stream = weight.mask(serverSeed);
  auto subtract = [&](auto mask) {
    mask.resize(values.size());
    stream.fill(rt::bytesOf(mask));
    for (size_t i = 0; i < mask.size(); ++i)
      mask[i] = values[i] - mask[i];
    std::span<const uint8_t> bytes = rt::bytesOf(mask);
    return std::vector<uint8_t>(bytes.begin(), bytes.end());
  };
  return weight.bits == 64 ? subtract(std::vector<uint64_t>())
                           : subtract(std::vector<uint32_t>());
}

Values PairRun::run() {
  const program::Instruction &op = program.instructions(0);
  const program::Value &result = program.values(op.result());
  Cost cost = instructionCost(program, op);
  Seed seeds[2] = {clientSeed.value_or(inputs.seed()),
                   serverSeed.value_or(inputs.seed())};

  if (program.weights_size() && !weightsFile) {
    std::string directory = testing::TempDir() + "aero-XXXXXX";
    EXPECT_NE(::mkdtemp(directory.data()), nullptr);
    weightsFile =
        std::make_shared<TestWeights>(program, directory, [&](int w, size_t i) {
          return weightValues[w][i];
        });
    std::filesystem::remove_all(directory); // it stays mapped
  }

  auto makeContext = [&](Role role) {
    OperationContext context{program, op, role, nullptr, {}, position, {}};
    if (role == Role::Client)
      context.tokens = tokens;
    else if (weightsFile)
      context.weights = &*weightsFile->weights;
    return context;
  };
  auto pointers = [](const std::vector<Share> &shares) {
    std::vector<const Share *> all;
    for (const Share &share : shares)
      all.push_back(&share);
    return all;
  };
  OperationContext client = makeContext(Role::Client),
                   server = makeContext(Role::Server);
  auto reconstruct = [&] {
    Values values(clientResult.size());
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = signedValue(clientResult[i] + serverResult[i], result.bits());
    return values;
  };
  if (isLocal(op)) {
    clientResult = runLocal(client, pointers(clientShares));
    serverResult = runLocal(server, pointers(serverShares));
    EXPECT_EQ(cost, Cost());
    return reconstruct();
  }

  Stopwatch watch;
  correction = dealOperation(program, 0, inference, seeds[0], seeds[1]);
  dealerSeconds = watch.lap();
  EXPECT_EQ(correction.size(), cost.dealerToServer);
  PartyRandom clientRandom(Role::Client, seeds[0], {inference, 0, 0}, {});
  PartyRandom serverRandom(Role::Server, seeds[1], {inference, 0, 0},
                           correction);
  for (const MaskedWeight &weight : maskedWeights(program)) {
    setup = maskWeight(weight, weightValues[weight.weight], seeds[1]);
    client.prepared = prepareProduct(
        weight, result.shape(0),
        PartyRandom(Role::Client, seeds[0], {inference, 0, 0}, {}), setup);
  }
  EXPECT_EQ(setup.size(), cost.setupServerToClient);

  watch.lap();
  auto left = startOperation(std::move(client), pointers(clientShares),
                             std::move(clientRandom));
  clientSeconds += watch.lap();
  auto right = startOperation(std::move(server), pointers(serverShares),
                              std::move(serverRandom));
  serverSeconds += watch.lap();
  EXPECT_EQ(left->steps(), cost.exchanges);
  EXPECT_EQ(right->steps(), cost.exchanges);
  for (unsigned step = 0; step < left->steps(); ++step) {
    std::vector<uint8_t> fromClient, fromServer;
    StepBytes bytes = left->bytes(step);
    watch.lap();
    left->produce(step, fromClient);
    clientSeconds += watch.lap();
    right->produce(step, fromServer);
    serverSeconds += watch.lap();
    EXPECT_EQ(fromClient.size(), bytes.clientToServer);
    EXPECT_EQ(fromServer.size(), bytes.serverToClient);
    append(toServer, fromClient);
    append(toClient, fromServer);
    watch.lap();
    left->consume(step, fromServer);
    clientSeconds += watch.lap();
    right->consume(step, fromClient);
    serverSeconds += watch.lap();
  }
  EXPECT_EQ(toServer.size(), cost.clientToServer);
  EXPECT_EQ(toClient.size(), cost.serverToClient);
  EXPECT_TRUE(left->usedAll());
  EXPECT_TRUE(right->usedAll());
  clientResult = left->takeResult();
  serverResult = right->takeResult();
  return reconstruct();
}

TestWeights::TestWeights(const program::Program &program,
                         const std::string &directory,
                         const std::function<int64_t(int, size_t)> &values) {
  loaded.program = program;
  loaded.hash = {};
  for (int i = 0; i < program.instructions_size() && i < 32; ++i)
    loaded.hash[i] = uint8_t(program.instructions(i).op_case());
  const std::string path = directory + "/weights";
  Result<WeightsWriter> writer = WeightsWriter::create(path);
  EXPECT_TRUE(writer.ok());
  for (int w = 0; w < program.weights_size(); ++w) {
    const program::Weight &weight = program.weights(w);
    size_t n = 1;
    for (uint32_t dim : weight.shape())
      n *= dim;
    auto write = [&](auto data) {
      data.resize(n);
      for (size_t i = 0; i < n; ++i)
        data[i] = values(w, i);
      Result<uint64_t> offset = writer->append(rt::bytesOf(data));
      EXPECT_TRUE(offset.ok() && *offset == weight.offset());
    };
    if (weight.type() == program::Weight::TYPE_I32)
      write(std::vector<int32_t>());
    else
      write(std::vector<int64_t>());
  }
  EXPECT_TRUE(writer->commit(loaded.hash).ok());
  Result<Weights> mapped = Weights::map(path, loaded);
  EXPECT_TRUE(mapped.ok());
  weights.emplace(std::move(*mapped));
}

Values SessionRun::value(const program::Program &program,
                         uint32_t instruction) const {
  const Share &client = clientSees.results.at(instruction);
  const Share &server = serverSees.results.at(instruction);
  unsigned bits =
      program.values(program.instructions(instruction).result()).bits();
  bool revealed = program.instructions(instruction).has_reveal();
  Values values(client.size());
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = signedValue(client[i] + (revealed ? 0 : server[i]), bits);
  return values;
}

Status rt::test::admit(Dealer &dealer, const LoadedProgram &loaded,
                       Channel channel) {
  Result<Caller> caller = hearHello(std::move(channel), loaded, Role::Dealer);
  if (!caller.ok())
    return caller.takeError();
  Result<bool> admitted = dealer.admit(std::move(*caller));
  if (!admitted.ok())
    return admitted.takeError();
  return *admitted
             ? Status()
             : Status(Error{"the dealer refused a party", ErrorKind::Protocol});
}

Status rt::test::joinClient(Server &server, const LoadedProgram &loaded,
                            Channel channel) {
  Result<Caller> caller = hearHello(std::move(channel), loaded, Role::Server);
  if (!caller.ok())
    return caller.takeError();
  return server.joinClient(std::move(*caller));
}

SessionRun rt::test::runSession(const LoadedProgram &loaded,
                                const Weights &weights,
                                const std::vector<Request> &requests) {
  SessionRun run;
  auto clientDealer = channelPair(), serverDealer = channelPair(),
       clientServer = channelPair();
  SessionOptions options;
  options.timeout = std::chrono::seconds(20);
  std::thread dealerThread([&] {
    Result<Dealer> dealer = Dealer::create(loaded, options);
    Status status = admit(*dealer, loaded, std::move(serverDealer->second));
    if (status.ok())
      status = admit(*dealer, loaded, std::move(clientDealer->second));
    if (status.ok())
      status = dealer->serve();
    run.dealer = dealer->statistics();
    if (!status.ok())
      run.dealerError = status.message();
  });
  std::thread serverThread([&] {
    SessionOptions own = options;
    own.observer = &run.serverSees;
    Result<Server> server =
        Server::join(loaded, weights, std::move(serverDealer->first), own);
    if (!server.ok()) {
      run.serverError = server.message();
      return;
    }
    Status status =
        joinClient(*server, loaded, std::move(clientServer->second));
    if (status.ok())
      status = server->serve();
    run.server = server->statistics();
    if (!status.ok())
      run.serverError = status.message();
  });
  {
    SessionOptions own = options;
    own.observer = &run.clientSees;
    Result<Client> client =
        Client::join(loaded, std::move(clientServer->first), own);
    Status status = client.ok()
                        ? client->joinDealer(std::move(clientDealer->first))
                        : Status(client.takeError());
    for (size_t i = 0; status.ok() && i < requests.size(); ++i) {
      Result<Inference> inference =
          client->infer(requests[i].tokens, requests[i].position);
      if (inference.ok())
        run.inferences.push_back(std::move(*inference));
      else
        status = inference.takeError();
    }
    if (status.ok())
      status = client->end();
    if (client.ok())
      run.client = client->statistics();
    if (!status.ok())
      run.clientError = status.message();
  }
  serverThread.join();
  dealerThread.join();
  return run;
}
