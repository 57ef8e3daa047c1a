# The secure protocols; these tests reach into the library's own headers.
aero_add_unit_test(AeroRuntimeProtocolTests
  ActivationTest.cpp
  ProtocolHarness.cpp
  CompareTest.cpp
  CorrelationTest.cpp
  FailureTest.cpp
  HostilePeersTest.cpp
  LocalTest.cpp
  MutationTest.cpp
  NormalizeTest.cpp
  ParallelTest.cpp
  PreparedTest.cpp
  ProductTest.cpp
  RescaleTest.cpp
  SecureSessionTest.cpp
  SessionTest.cpp
  SoftmaxTest.cpp
  UniformityTest.cpp
  LINK AeroRuntime
)
target_include_directories(AeroRuntimeProtocolTests PRIVATE ${PROJECT_SOURCE_DIR}/lib/Runtime)
