import Cryptography
import Glibc
import Logging
import PeerNetwork
import Storage
import Synchronization
import Transfer
import Wire

/// One side of a transfer, for `Benchmarks/transfer`: a seeder or a fetcher without the rest of a node.
///
/// Each run prints one line of JSON. A seeder prints its key, its port and what it has, and serves until
/// its standard input ends.
///
///     bench-transfer serve DIRECTORY LIST [rate=BYTES] [foreground=1] [udp=ADDRESS:PORT]
///     bench-transfer fetch DIRECTORY LIST PROVIDER...
///     bench-transfer first-byte LIST PROVIDER warm|cold ROUNDS
///     bench-transfer hold LIST PROVIDER CONNECTIONS
///
/// LIST is a file: of paths to take in for `serve`, which writes `ROOT SIZE` lines to `LIST.blobs`, and
/// that file for the others. PROVIDER is `KEY@ADDRESS:PORT`, or `udp:KEY@ADDRESS:PORT` of one that serves
/// over UDP alone.
@main
struct TransferBenchmark {
  static func main() async throws {
    var arguments = Array(CommandLine.arguments.dropFirst())
    guard arguments.count >= 3 else { usage() }
    let command = arguments.removeFirst()
    switch command {
    case "serve":
      let place = arguments[2...].first { $0.hasPrefix("udp=") }.flatMap {
        Address(String($0.dropFirst(4)))
      }
      try await Seeder(directory: arguments[0], list: arguments[1])
        .run(options(arguments[2...]), at: place)
    case "fetch" where arguments.count >= 3:
      let blobs = try Blob.read(arguments[1])
      let providers = try arguments[2...].map { try provider($0) }
      let usesDatagrams = arguments[2...].contains { $0.hasPrefix("udp:") }
      try await Fetcher(providers: providers, usesDatagrams: usesDatagrams)
        .fetch(blobs, into: arguments[0])
    case "first-byte" where arguments.count == 4:
      let blobs = try Blob.read(arguments[0])
      let fetcher = Fetcher(providers: [try provider(arguments[1])])
      try await fetcher.firstBytes(
        of: blobs, isWarm: arguments[2] == "warm", rounds: Int(arguments[3]) ?? 50)
    case "hold" where arguments.count == 3:
      let blobs = try Blob.read(arguments[0])
      let fetcher = Fetcher(providers: [try provider(arguments[1])])
      try await fetcher.hold(Int(arguments[2]) ?? 50, fetching: blobs)
    default:
      usage()
    }
  }

  static func settings(listening: Bool) -> TransferSettings {
    var settings = TransferSettings()
    settings.network = "bench"
    settings.bind = listening ? Address(ip: .v4(0x7F00_0001), port: 0) : nil
    return settings
  }

  static var logger: Logger {
    var logger = Logger(label: "bench")
    logger.logLevel = .error
    return logger
  }

  /// Starts a service and runs it beside `body`.
  static func running<Value: Sendable>(
    _ service: TransferService, beside datagrams: Datagrams? = nil,
    _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    try await service.start()
    try await datagrams?.service.start()
    return try await withThrowingTaskGroup(of: Value?.self) { group in
      group.addTask {
        try await service.run()
        return nil
      }
      if let datagrams {
        group.addTask {
          try await datagrams.service.run()
          return nil
        }
      }
      group.addTask {
        while await !service.isRunning { try await Task.sleep(for: .microseconds(200)) }
        return try await body()
      }
      while let value = try await group.next() {
        guard let value else { continue }
        group.cancelAll()
        return value
      }
      throw CancellationError()
    }
  }

  private static func options(_ words: ArraySlice<String>) -> [String: UInt64] {
    var options: [String: UInt64] = [:]
    for word in words {
      let parts = word.split(separator: "=")
      if parts.count == 2 { options[String(parts[0])] = UInt64(parts[1]) }
    }
    return options
  }

  private static func provider(_ text: String) throws -> TransferService.Provider {
    let parts = (text.hasPrefix("udp:") ? text.dropFirst(4) : text[...]).split(separator: "@")
    guard parts.count == 2, let bytes = Bytes32(hex: String(parts[0])),
      let address = Address(String(parts[1]))
    else { throw BenchmarkError.badArgument(text) }
    return TransferService.Provider(key: PublicKey(bytes), addresses: [address])
  }

  private static func usage() -> Never {
    print("usage: bench-transfer serve|fetch|first-byte|hold …, see the source")
    exit(2)
  }
}

/// What can be wrong with a benchmark's arguments.
enum BenchmarkError: Error {
  case badArgument(String)
}

/// One blob that is fetched.
struct Blob: Sendable {
  let root: ContentRoot
  let size: UInt64

  /// The blobs of a file of `ROOT SIZE` lines.
  static func read(_ path: String) throws -> [Blob] {
    try Text.lines(of: path).map { line in
      let words = line.split(separator: " ")
      guard words.count == 2, let root = ContentRoot(hex: String(words[0])),
        let size = UInt64(words[1])
      else { throw BenchmarkError.badArgument(line) }
      return Blob(root: root, size: size)
    }
  }
}

/// Small text files.
enum Text {
  static func lines(of path: String) throws -> [String] {
    guard let file = fopen(path, "r") else { throw BenchmarkError.badArgument(path) }
    defer { fclose(file) }
    var lines: [String] = []
    var line: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(line) }
    while getline(&line, &capacity, file) > 0, let line {
      let text = String(cString: line).filter { $0 != "\n" }
      if !text.isEmpty { lines.append(text) }
    }
    return lines
  }

  static func write(_ lines: [String], to path: String) throws {
    guard let file = fopen(path, "w") else { throw BenchmarkError.badArgument(path) }
    defer { fclose(file) }
    for line in lines { fputs(line + "\n", file) }
  }
}
