import Foundation

/// Files that real Portage wrote, read from the source tree.
enum Fixture {
  static func bytes(_ name: String, file: String = #filePath) throws -> [UInt8] {
    let tests = URL(filePath: file).deletingLastPathComponent().deletingLastPathComponent()
    return Array(try Data(contentsOf: tests.appending(path: "Fixtures/Portage/\(name)")))
  }

  static func text(_ name: String) throws -> String {
    String(decoding: try bytes(name), as: UTF8.self)
  }
}

/// A generator whose runs repeat (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// A copy of `bytes` with some changed, some lost and perhaps the end cut off.
  mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
    var result = bytes
    for _ in 0..<Int.random(in: 0...12, using: &self) where !result.isEmpty {
      let place = Int.random(in: 0..<result.count, using: &self)
      switch UInt8.random(in: 0..<4, using: &self) {
      case 0: result.remove(at: place)
      case 1: result.insert(UInt8.random(in: .min ... .max, using: &self), at: place)
      default: result[place] = UInt8.random(in: .min ... .max, using: &self)
      }
    }
    if Bool.random(using: &self) { result = Array(result.prefix(result.count / 2)) }
    return result
  }
}
