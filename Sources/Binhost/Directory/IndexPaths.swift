import Glibc

/// The paths that an index on disk names, without reading the rest of it.
enum IndexPaths {
  /// The paths of a generation's index; none without one. Throws `BinhostFileError` if it can't be read.
  static func read(_ generation: BinhostGeneration?) throws -> Set<String> {
    guard let generation else { return [] }
    let path = generation.path + "/Packages"
    guard let file = ReadableFile(path) else {
      throw BinhostFileError(operation: "open", path: path, code: EIO)
    }
    var paths: Set<String> = []
    var line: [UInt8] = []
    var offset: UInt64 = 0
    while offset < file.size {
      let bytes = file.read(count: 1 << 20, at: offset)
      guard !bytes.isEmpty else {
        throw BinhostFileError(operation: "read", path: path, code: EIO)
      }
      offset += UInt64(bytes.count)
      var rest = bytes[...]
      while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
        if line.isEmpty {
          note(rest[..<end], in: &paths)
        } else {
          note((line + rest[..<end])[...], in: &paths)
          line.removeAll()
        }
        rest = rest[(end + 1)...]
      }
      line += rest
    }
    return paths
  }

  private static let name = Array("PATH: ".utf8)

  private static func note(_ line: ArraySlice<UInt8>, in paths: inout Set<String>) {
    guard line.starts(with: name) else { return }
    paths.insert(String(decoding: line.dropFirst(name.count), as: UTF8.self))
  }
}
