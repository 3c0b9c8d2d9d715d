/// The metadata files of a binary package.
public struct GpkgMetadata: Sendable, Hashable {
  /// The directory inside the container: `PF`, or `PF-BUILD_ID`.
  public let container: String
  /// The files' bytes by name.
  public let files: [String: [UInt8]]
  /// Whether the container carries detached OpenPGP signatures (nobody checks them here).
  public let hasSignatures: Bool

  /// Holds metadata.
  public init(container: String, files: [String: [UInt8]], hasSignatures: Bool = false) {
    self.container = container
    self.files = files
    self.hasSignatures = hasSignatures
  }

  /// The text of a file without the white space around it; nil where it is absent or no UTF-8.
  public subscript(_ name: String) -> String? {
    guard let bytes = files[name] else { return nil }
    let isSpace = { (byte: UInt8) in byte == 0x20 || (byte >= 0x09 && byte <= 0x0d) }
    guard let first = bytes.firstIndex(where: { !isSpace($0) }),
      let last = bytes.lastIndex(where: { !isSpace($0) })
    else { return "" }
    return String(validating: bytes[first...last], as: UTF8.self)
  }

  /// `environment.bz2`: the bash environment that the package's phases run in, as root.
  public var environment: [UInt8]? { files["environment.bz2"] }

  /// The ebuild that it was built from, verbatim: `<PF>.ebuild`.
  public var ebuild: [UInt8]? { self["PF"].flatMap { files["\($0).ebuild"] } }

  /// The package as `CATEGORY` and `PF` name it.
  public var cpv: CPV? {
    guard let category = self["CATEGORY"], let name = self["PF"] else { return nil }
    return try? CPV("\(category)/\(name)")
  }

  /// When it was built, in Unix seconds.
  public var buildTime: Int64? { self["BUILD_TIME"].flatMap { Int64($0) } }
}
