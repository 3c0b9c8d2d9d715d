/// The members seen, to be compared with the Manifest that comes after them (GLEP 74).
struct GpkgManifest {
  private struct Member {
    var size: Int64
    var digests: [String: String]
  }

  private var members: [String: Member] = [:]

  func has(_ name: String) -> Bool { members[name] != nil }

  mutating func saw(_ name: String, size: Int64, digests: [String: String]) {
    members[name] = Member(size: size, digests: digests)
  }

  /// Compares the members with the Manifest's text, clear-signed or not.
  func check(_ bytes: [UInt8]) throws(Gpkg.ManifestProblem) {
    var unnamed = members
    for (number, line) in Self.lines(bytes) {
      let words = line.split(separator: " ")
      guard words.count >= 5, words.count % 2 == 1, words[0] == "DATA", let size = Int64(words[2])
      else { throw .malformed(line: number) }
      let name = String(words[1])
      guard let member = unnamed.removeValue(forKey: name) else { throw .surplus(name) }
      guard member.size == size else { throw .size(name) }
      try compare(name, member.digests, words.dropFirst(3))
    }
    if let name = unnamed.keys.min() { throw .unnamed(name) }
  }

  private func compare(
    _ name: String, _ digests: [String: String], _ words: ArraySlice<Substring>
  ) throws(Gpkg.ManifestProblem) {
    var known = 0
    for place in stride(from: words.startIndex, to: words.endIndex, by: 2) {
      guard let mine = digests[String(words[place])] else { continue }
      guard mine == words[place + 1].lowercased() else {
        throw .digest(name, algorithm: String(words[place]))
      }
      known += 1
    }
    guard known > 0 else { throw .noKnownDigest(name) }
  }

  /// The numbered lines that count: inside the clear-signed frame where there is one (RFC 9580 §7).
  private static func lines(_ bytes: [UInt8]) -> [(Int, Substring)] {
    let text = Substring(String(decoding: bytes, as: UTF8.self))
    let all = text.split(separator: "\n", omittingEmptySubsequences: false)
    var range = 0..<all.count
    if all.first == "-----BEGIN PGP SIGNED MESSAGE-----" {
      let start = (all.firstIndex { $0.isEmpty } ?? 0) + 1
      let end = all.firstIndex { $0 == "-----BEGIN PGP SIGNATURE-----" } ?? all.count
      range = min(start, end)..<end
    }
    var lines: [(Int, Substring)] = []
    for place in range where !all[place].isEmpty {
      let line = all[place].hasPrefix("- ") ? all[place].dropFirst(2) : all[place]
      lines.append((place + 1, line))
    }
    return lines
  }
}

extension Gpkg.ManifestProblem: Error {}
