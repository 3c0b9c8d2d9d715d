import Cryptography
import Portage
import Wire

/// What independent builds of one package share: computed from a gpkg, equal whoever built it where.
///
/// BLAKE2b-256 over `larder agreement 1` and length-prefixed parts: every entry of the image (path, type,
/// mode, owner, content digest or link target, in the order of the paths' bytes), the ebuild's text,
/// the environment without `HostVariables` and the rest of the metadata.
struct AgreementDigest {
  /// One entry of an image as it is hashed.
  struct Entry {
    var path: String
    var kind: String
    var mode: UInt32
    var owner: String
    /// The digest of a file's content, or a link's target.
    var content: [UInt8]
  }

  static func compute(
    image: [Entry], metadata: GpkgMetadata, environment: BashEnvironment
  ) -> Bytes32 {
    var hash = CanonicalHash(domain: "larder agreement 1")
    hash.append("image")
    let sorted = image.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    hash.append("\(sorted.count)")
    for entry in sorted {
      hash.append(entry.path)
      hash.append(entry.kind)
      hash.append(String(entry.mode, radix: 8))
      hash.append(entry.owner)
      hash.append(entry.content)
    }
    hash.append("ebuild")
    hash.append(metadata.ebuild ?? [])
    hash.append("environment")
    hash.append(text(of: environment, metadata: metadata))
    hash.append("metadata")
    for (name, bytes) in remaining(metadata) {
      hash.append(name)
      hash.append(bytes)
    }
    return hash.digest()
  }

  private static func remaining(_ metadata: GpkgMetadata) -> [(String, [UInt8])] {
    let ebuildName = metadata["PF"].map { "\($0).ebuild" }
    var kept: [(String, [UInt8])] = []
    for (name, bytes) in metadata.files.sorted(by: {
      $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
    }) {
      if name == "environment.bz2" || name == ebuildName { continue }
      if HostVariables.metadata.contains(name) { continue }
      kept.append((name, canonical(name, bytes, metadata)))
    }
    return kept
  }

  /// Dependencies without the builder's libc, sonames in order; all else as it is.
  private static func canonical(
    _ name: String, _ bytes: [UInt8], _ metadata: GpkgMetadata
  ) -> [UInt8] {
    guard let text = metadata[name] else { return bytes }
    switch name {
    case "BDEPEND", "DEPEND", "IDEPEND", "PDEPEND", "RDEPEND":
      guard let tree = try? DependencyTree(text) else { return bytes }
      return Array(LibcPackages.normalize(tree).description.utf8)
    case "PROVIDES", "REQUIRES":
      guard let list = try? SonameList(text) else { return bytes }
      return Array(list.description.utf8)
    default:
      return bytes
    }
  }

  /// The environment's text without host variables; in the others' values the build directory is
  /// written as one word, since PORTAGE_TMPDIR is each host's own.
  static func text(of environment: BashEnvironment, metadata: GpkgMetadata) -> [UInt8] {
    let directory = "/portage/\(metadata["CATEGORY"] ?? "")/\(metadata["PF"] ?? "")"
    var result: [UInt8] = []
    result.reserveCapacity(environment.bytes.count)
    var end = 0
    for variable in environment.variables {
      result += environment.bytes[end..<variable.range.lowerBound]
      end = variable.range.upperBound
      if HostVariables.names.contains(variable.name) { continue }
      result += withoutBuildDirectory(
        environment.bytes[variable.range], directory: Array(directory.utf8))
    }
    result += environment.bytes[end...]
    return result
  }

  private static let mark = Array("@BUILD_DIRECTORY@".utf8)

  /// Puts a mark in place of every absolute path that ends in `directory`.
  static func withoutBuildDirectory(
    _ text: ArraySlice<UInt8>, directory: [UInt8]
  ) -> [UInt8] {
    var result: [UInt8] = []
    var pathStart: Int?
    var place = text.startIndex
    while place < text.endIndex {
      let byte = text[place]
      if byte == UInt8(ascii: "/"), text[place...].starts(with: directory),
        isEnd(text, place + directory.count)
      {
        if let pathStart { result.removeLast(result.count - pathStart) }
        result += mark
        pathStart = nil
        place += directory.count
        continue
      }
      if byte == UInt8(ascii: "/"), pathStart == nil { pathStart = result.count }
      if !isPathByte(byte) { pathStart = nil }
      result.append(byte)
      place += 1
    }
    return result
  }

  private static func isEnd(_ text: ArraySlice<UInt8>, _ place: Int) -> Bool {
    guard place < text.endIndex else { return true }
    return text[place] == UInt8(ascii: "/") || !isPathByte(text[place])
  }

  private static func isPathByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: "/._+-@".utf8.contains(byte)
    }
  }
}
