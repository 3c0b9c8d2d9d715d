import Foundation
import Portage
import TestSupport
import Testing

@testable import Binhost

/// A binhost beside a few files that stand for blobs.
final class BinhostFixture: Sendable {
  let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
  }

  var path: String { directory.path + "/binhost" }

  /// A listing of `cpv` whose file holds `content`.
  func listing(
    _ cpv: String, _ content: String = "package", fields: [String: String] = [:]
  ) throws -> BinhostListing {
    let bytes = Array(content.utf8)
    let root = Self.root(of: cpv + content)
    try directory.write(bytes, to: "blobs/\(root)")
    return try listing(cpv, root: root, size: bytes.count, fields: fields)
  }

  func listing(
    _ cpv: String, root: String, size: Int, fields: [String: String] = [:]
  ) throws -> BinhostListing {
    let package = try CPV(cpv)
    let path = try #require(BinhostDirectory.path(of: package, root: root))
    var all = ["SIZE": String(size), "MD5": String(repeating: "0", count: 32), "SLOT": "0/1"]
    all.merge(fields) { $1 }
    return BinhostListing(
      entry: PrintedEntry(try PackagesEntry(cpv: package, path: path, fields: all)),
      file: directory.path + "/blobs/" + root)
  }

  /// The index that `current` shows.
  func index() throws -> PackagesIndex {
    let packed = try directory.read("binhost/current/Packages.gz")
    let plain = try directory.read("binhost/current/Packages")
    #expect(try Gzip.unpacked(packed, limit: 100 << 20) == plain)
    return try PackagesIndex(plain)
  }

  /// Checks what Portage relies on: every listed file is there with its size.
  func checkIsWhole() throws {
    let index = try index()
    for entry in index.entries {
      #expect(entry.problem == nil)
      let bytes = try directory.read("binhost/current/" + (try #require(entry.path)))
      #expect(String(bytes.count) == entry["SIZE"])
    }
  }

  private static func root(of text: String) -> String {
    var state: UInt64 = 14_695_981_039_346_656_037
    var out = ""
    for round in 0..<4 as Range<UInt8> {
      for byte in Array(text.utf8) + [round] {
        state = (state ^ UInt64(byte)) &* 1_099_511_628_211
      }
      let digits = String(state, radix: 16)
      out += String(repeating: "0", count: 16 - digits.count) + digits
    }
    return out
  }
}
