// swift-tools-version: 6.2
import PackageDescription

// The floors of docs/DESIGN.md: a target depends on targets of lower floors only, and what is not
// named in `dependencies` here cannot be imported there.

/// Set by Scripts/fuzz: the path of libFuzzer's library without a main. Then our modules are built with
/// its coverage, and there is one target more.
let fuzzer = Context.environment["LARDER_FUZZER"]
let instrumented: [SwiftSetting] =
  fuzzer == nil ? [] : [.unsafeFlags(["-sanitize=fuzzer", "-enable-testing"])]

let ours: [SwiftSetting] =
  instrumented + [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
  ]

func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: ours)
}

func tests(_ module: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(module)Tests",
    dependencies: [.target(name: module), "TestSupport"] + dependencies,
    path: "Tests/\(module)",
    swiftSettings: ours)
}

let nio: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let lifecycle: Target.Dependency = .product(
  name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals: Target.Dependency = .product(
  name: "UnixSignals", package: "swift-service-lifecycle")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let metricsCore: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let arguments: Target.Dependency = .product(
  name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "larder",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "larder", targets: ["larder"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
    .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(
      url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
  ],
  targets: [
    // Floor 0: the C libraries.
    .systemLibrary(
      name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(
      name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
    .systemLibrary(
      name: "CMiniUPnP", pkgConfig: "miniupnpc", providers: [.apt(["libminiupnpc-dev"])]),
    .systemLibrary(name: "CNATPMP", providers: [.apt(["libnatpmp-dev"])]),

    // Floor 1: words.
    .target(
      name: "Wire", dependencies: [protobuf], exclude: ["Protos"], swiftSettings: ours),
    // Optimised in every build: what isn't takes twenty times as long.
    .target(name: "CSHA256", cSettings: [.unsafeFlags(["-O3"])]),
    module("Cryptography", ["Wire", "CSodium", "CSHA256", crypto]),
    module("Portage", ["CZlib", "CArchive"]),

    // Floor 2: what may be installed.
    module("Trust", ["Wire", "Cryptography", "Portage"]),

    // Floor 3: protocols as values.
    module("DHT", ["Wire", "Cryptography", deque, heap]),
    module("Transfer", ["Wire", "Cryptography", deque, heap]),
    module("Builder", ["Wire", "Trust", "Portage"]),

    // Floor 4: the outside world.
    module("Storage", ["Wire", "Cryptography", "Portage", "Trust", "Transfer", "Builder", grdb]),
    module(
      "PeerNetwork",
      [
        "Wire", "Cryptography", "DHT", "Transfer", "CMiniUPnP", "CNATPMP", nio, nioPosix, nioTLS,
        x509, asn1, crypto, protobuf, deque, logging, metrics,
      ]),
    module("Emerge", ["Portage", "Trust", "Builder", subprocess, systemPackage, logging]),
    module(
      "Cloud",
      [
        "Wire", "Cryptography", "Portage", "Trust", "Transfer", "Builder", hummingbird, httpClient,
        nio, nioHTTP, logging, metrics, metricsCore,
      ]),
    module(
      "Binhost", ["Wire", "Portage", "Trust", "Transfer", hummingbird, nio, logging, metricsCore]),
    module("Simulation", ["Wire", "Cryptography", "DHT", "Transfer", "Builder", heap]),

    // Floor 5 and 6: one machine, one program.
    module(
      "Node",
      [
        "Wire", "Cryptography", "Portage", "Trust", "DHT", "Transfer", "Builder", "Storage",
        "PeerNetwork", "Emerge", "Cloud", "Binhost", nio, nioPosix, yams, lifecycle, unixSignals,
        logging, metrics,
      ]),
    .executableTarget(
      name: "larder",
      dependencies: [
        "Wire", "Cryptography", "Trust", "Binhost", "Cloud", "Simulation", "Node", arguments,
      ],
      swiftSettings: ours),

    // Not installed: `make bench-index`.
    .executableTarget(
      name: "bench-index", dependencies: ["Portage", "Binhost"], path: "Benchmarks/Index",
      swiftSettings: ours),

    // Not installed: `make bench-dht`.
    .executableTarget(
      name: "bench-dht",
      dependencies: ["Wire", "Cryptography", "DHT", "PeerNetwork", logging],
      path: "Benchmarks/DHT", swiftSettings: ours),

    // Not installed: `make bench-transfer`.
    .executableTarget(
      name: "bench-transfer",
      dependencies: ["Wire", "Cryptography", "DHT", "Transfer", "Storage", "PeerNetwork", logging],
      path: "Benchmarks/Transfer", swiftSettings: ours),

    // Tests: one folder a module; Support holds conformance suites and fakes.
    .target(
      name: "TestSupport",
      dependencies: [
        "CArchive", "Wire", "Cryptography", "Portage", "Trust", "DHT", "Transfer", "Builder",
      ],
      path: "Tests/Support", swiftSettings: ours),
    tests("Wire", [protobuf]),
    tests("Cryptography"),
    tests("Portage"),
    tests("Trust"),
    tests("DHT", ["Wire", "Cryptography"]),
    tests("Transfer"),
    tests("Builder"),
    tests("Storage", ["Transfer", "Builder"]),
    tests(
      "PeerNetwork",
      [
        .product(name: "NIOEmbedded", package: "swift-nio"), "Wire", "Cryptography", "DHT",
        "Transfer", nio, nioPosix, nioTLS, logging,
      ]),
    tests("Emerge", ["Builder", "Trust", "Wire", logging]),
    tests("Cloud", [httpClient, nio, nioHTTP, logging]),
    tests("Binhost"),
    tests("Simulation", ["Wire", "Cryptography", "DHT"]),
    tests(
      "Node",
      [
        .product(name: "NIOEmbedded", package: "swift-nio"), nio, logging, "Storage", "PeerNetwork",
        "Emerge", "Cloud", "Binhost", "Builder",
      ]),
    tests("larder", [arguments, "Node"]),
  ]
)

if let fuzzer {
  package.targets.append(
    .executableTarget(
      name: "fuzz",
      dependencies: [
        "Wire", "Cryptography", "Portage", "Trust", "DHT", "Transfer", "PeerNetwork", "Cloud",
        "Binhost", "Node", nio, .product(name: "NIOEmbedded", package: "swift-nio"),
      ],
      path: "Tests/Fuzz", exclude: ["Corpus"], swiftSettings: ours,
      linkerSettings: [.unsafeFlags([fuzzer, "-lstdc++", "-lm"])]))
}
