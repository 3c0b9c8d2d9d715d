import FoundationEssentials
import Glibc

/// What one run prints, with the same keys as the scripts of the other systems.
struct BenchReport: Codable, Sendable {
  /// The traffic of nodes at rest.
  struct Rest: Codable, Sendable {
    var packetsPerSPerNode: Double
    var bytesPerSPerNode: Double
  }

  /// One phase of the scenario.
  struct Phase: Codable, Sendable {
    var ops: Int
    var success: Double
    var p50Ms: Double?
    var p95Ms: Double?
    var maxMs: Double?
    var packetsPerOp: Double
    var bytesPerOp: Int
    var cpuMsPerOp: Double
    var wallS: Double
    var latenciesMs: [Double]
    var storedOnP50: Int?
    var totalS: Double?
  }

  var impl = "larder"
  var args: BenchOptions
  var bootstrap: Phase
  var idle: Rest
  var rssKibPerNode: Int
  var kibPerFurtherNode: Int
  var put: Phase
  var get: Phase
  var getAfterKill: Phase

  /// The report as one line of JSON, its keys in snake case.
  var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.keyEncodingStrategy = .convertToSnakeCase
      encoder.outputFormatting = .sortedKeys
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
  }
}

/// What the namespace's loopback interface and this process have spent at one moment.
struct Meter: Sendable {
  let packets: Double
  let bytes: Double
  let cpuSeconds: Double
  let at = ContinuousClock.now

  /// The counters now; the bytes include IP headers.
  static func read() -> Meter {
    var packets = 0.0
    var bytes = 0.0
    for line in text(of: "/proc/self/net/dev").split(separator: "\n") {
      let fields = line.split { $0 == " " || $0 == ":" }
      guard fields.count > 10, fields[0] == "lo" else { continue }
      packets = Double(fields[10]) ?? 0
      bytes = Double(fields[9]) ?? 0
    }
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    let seconds = Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
    let micros = Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
    return Meter(packets: packets, bytes: bytes, cpuSeconds: seconds + micros / 1e6)
  }

  /// Memory of this process in KiB: `Rss` with the pages of the program, `Anonymous` without them,
  /// which is what each further node takes.
  static func memoryKiB(_ name: String) -> Int {
    for line in text(of: "/proc/self/smaps_rollup").split(separator: "\n")
    where line.hasPrefix(name + ":") {
      return line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    }
    return 0
  }

  private static func text(of path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self)
  }
}

/// How one operation went.
struct OperationResult: Sendable {
  let isGood: Bool
  let time: Duration
  /// On how many nodes a put was stored.
  var storedOn: Int?
}

extension BenchReport.Phase {
  /// The phase between two readings, less the traffic that nodes at rest have.
  init(_ results: [OperationResult], from start: Meter, to end: Meter, rest: Rates) {
    let wall = (end.at - start.at) / .seconds(1)
    let count = Double(max(1, results.count))
    var good: [Double] = []
    var stored: [Double] = []
    for result in results where result.isGood {
      good.append(Self.rounded(result.time / .milliseconds(1)))
      if let storedOn = result.storedOn { stored.append(Double(storedOn)) }
    }
    good.sort()
    ops = results.count
    success = (Double(good.count) / count * 1e4).rounded() / 1e4
    p50Ms = Self.percentile(good, 0.5)
    p95Ms = Self.percentile(good, 0.95)
    maxMs = good.last
    packetsPerOp = Self.rounded((end.packets - start.packets - rest.packets * wall) / count)
    bytesPerOp = Int((end.bytes - start.bytes - rest.bytes * wall) / count)
    cpuMsPerOp = Self.rounded(1_000 * (end.cpuSeconds - start.cpuSeconds) / count)
    wallS = Self.rounded(wall)
    latenciesMs = good
    storedOnP50 = Self.percentile(stored.sorted(), 0.5).map { Int($0) }
  }

  /// The traffic of the whole network at rest, a second.
  struct Rates: Sendable {
    var packets = 0.0
    var bytes = 0.0
  }

  static func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }

  private static func percentile(_ sorted: [Double], _ share: Double) -> Double? {
    guard !sorted.isEmpty else { return nil }
    return sorted[Int((share * Double(sorted.count - 1)).rounded())]
  }
}
