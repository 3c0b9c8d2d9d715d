import Cryptography
import Foundation
import Testing
import Wire

/// Roots as another implementation computes them: Tests/Fixtures/Cryptography, made with libtorrent.
@Suite struct BEP52Tests {
  struct Row: Sendable, CustomTestStringConvertible {
    let size: Int
    let root: String
    let pieces: String
    var testDescription: String { "\(size) bytes" }
  }

  static let rows: [Row] = {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Fixtures/Cryptography/bep52-roots.tsv")
    let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: "\t").map(String.init)
      guard fields.count == 3, let size = Int(fields[0]) else { return nil }
      return Row(size: size, root: fields[1], pieces: fields[2])
    }
  }()

  @Test func theFixtureIsThere() {
    #expect(Self.rows.count == 19)
  }

  @Test(arguments: rows)
  func rootsAreThoseOfLibtorrent(row: Row) throws {
    var random = SplitMix64(seed: UInt64(row.size))
    var bytes: [UInt8] = []
    bytes.reserveCapacity(row.size + 8)
    while bytes.count < row.size {
      withUnsafeBytes(of: random.next().littleEndian) { bytes.append(contentsOf: $0) }
    }
    var hasher = MerkleHasher()
    hasher.update(Array(bytes[..<row.size]))
    let (root, layers) = try #require(hasher.finalize())
    #expect(root.description == row.root)
    guard row.pieces != "-" else { return }
    #expect(SHA2.sha256(layers.pieces.flatMap(\.bytes)).hex == row.pieces)
  }
}
