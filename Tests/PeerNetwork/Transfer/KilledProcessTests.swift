import Cryptography
import Foundation
import NIOCore
import NIOPosix
import TestSupport
import Testing
import Transfer
import Wire

/// Transfers between processes of which some are killed.
///
/// The processes are those of the benchmark, which is built beside the tests.
@Suite(.serialized, .timeLimit(.minutes(2)), .enabled(if: Lab.program != nil))
struct KilledProcessTests {
  @Test(arguments: 0..<4 as Range<UInt64>, Way.allCases)
  func killedFetchGoesOnFromWhatItWrote(seed: UInt64, way: Way) async throws {
    var random = SplitMix64(seed: seed)
    let lab = try Lab(size: 8 << 20, seed: seed)
    defer { lab.end() }
    let provider = try await lab.serve(over: way)
    for _ in 0..<3 {
      let blocks = Int.random(in: 1...30, using: &random)
      let fetch = try lab.fetch(from: [provider])
      // The blob may be whole before the kill: then the next run has nothing to do.
      let isThere = await eventually { lab.notedBlocks() >= blocks || !fetch.isRunning }
      #expect(isThere)
      kill(fetch.processIdentifier, SIGKILL)
      fetch.waitUntilExit()
    }
    let noted = UInt64(lab.notedBlocks()) << 16
    let isWhole = lab.isWhole
    let told = try lab.finish(from: [provider])
    #expect(isWhole || told.resumed == noted)
    #expect(lab.isWhole)
  }

  @Test(arguments: 0..<4 as Range<UInt64>, Way.allCases)
  func killedSourceIsReplaced(seed: UInt64, way: Way) async throws {
    var random = SplitMix64(seed: seed)
    let lab = try Lab(size: 8 << 20, seed: seed)
    defer { lab.end() }
    let providers = [try await lab.serve(over: way), try await lab.serve(over: way)]
    let fetch = try lab.fetch(from: providers)
    let blocks = Int.random(in: 1...60, using: &random)
    #expect(await eventually { lab.notedBlocks() >= blocks || !fetch.isRunning })
    lab.killSource(Int.random(in: 0...1, using: &random))
    fetch.waitUntilExit()
    #expect(fetch.terminationStatus == 0)
    #expect(lab.isWhole)
  }
}

/// A blob, processes that serve it and one that fetches it.
private final class Lab {
  struct Told: Decodable {
    let resumed: UInt64
  }

  private struct Source: Decodable {
    let provider: String
  }

  /// Where the benchmark's program is, if it was built.
  static let program: String? = {
    let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let folders = [own, CommandLine.arguments.first].compactMap { $0 }
      .map { URL(filePath: $0).deletingLastPathComponent() }
    return folders.map { $0.appending(path: "bench-transfer").path }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  private let folder: TemporaryDirectory
  private let content: [UInt8]
  private var processes: [Process] = []
  private var root = ""

  init(size: Int, seed: UInt64) throws {
    folder = try TemporaryDirectory()
    content = BlobStoreConformance.content(size: size, seed: seed)
    root = try BlobStoreConformance.tree(of: content).root.description
    try Data(content).write(to: URL(filePath: path("content")))
    try Data("\(path("content"))\n".utf8).write(to: URL(filePath: path("list")))
  }

  private func path(_ name: String) -> String { "\(folder.path)/\(name)" }

  private func start(_ words: [String]) throws -> (process: Process, out: Pipe) {
    let process = Process()
    process.executableURL = URL(filePath: try #require(Self.program))
    process.arguments = words
    let out = Pipe()
    process.standardOutput = out
    process.standardInput = Pipe()
    try process.run()
    processes.append(process)
    return (process, out)
  }

  /// Starts a source that serves 8 MB a second; returns how it is named to a fetch.
  func serve(over way: Way) async throws -> String {
    let home = path("source-\(processes.count)")
    var words = ["serve", home, path("list"), "rate=8000000", "foreground=1"]
    if way == .udp { words.append("udp=127.0.0.1:\(try await Self.freePort())") }
    let (_, out) = try start(words)
    return try JSONDecoder().decode(Source.self, from: out.fileHandleForReading.availableData)
      .provider
  }

  /// A UDP port that nobody has now.
  private static func freePort() async throws -> Int {
    let channel = try await DatagramBootstrap(group: NIOSingletons.posixEventLoopGroup)
      .bind(host: "127.0.0.1", port: 0).get()
    let port = try #require(channel.localAddress?.port)
    try await channel.close()
    return port
  }

  func fetch(from providers: [String]) throws -> Process {
    try start(["fetch", path("fetched"), path("list.blobs")] + providers).process
  }

  /// Fetches to the end.
  func finish(from providers: [String]) throws -> Told {
    let words = ["fetch", path("fetched"), path("list.blobs")] + providers
    let (process, out) = try start(words)
    let told = out.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return try JSONDecoder().decode(Told.self, from: told)
  }

  /// The blocks that the unfinished blob's map names: 32 bytes each after a head of 32.
  func notedBlocks() -> Int {
    let map = FileManager.default.contents(atPath: path("fetched/partial/\(root).map")) ?? Data()
    let count = content.count / Limits.block
    return (1...count).count { index in
      let digest = map.dropFirst(32 * index).prefix(32)
      return digest.count == 32 && digest.contains { $0 != 0 }
    }
  }

  /// Whether the complete blob is here, byte for byte.
  var isWhole: Bool {
    let file = path("fetched/blobs/\(root.prefix(2))/\(root)")
    return FileManager.default.contents(atPath: file) == Data(content)
  }

  func killSource(_ index: Int) {
    kill(processes[index].processIdentifier, SIGKILL)
  }

  /// Ends every process that was started.
  func end() {
    for process in processes where process.isRunning {
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
  }
}
