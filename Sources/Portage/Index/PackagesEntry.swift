/// One package of a binhost's index: fields by name (bintree's `Packages` format).
///
/// An entry made with `init(cpv:path:…)` is one that Portage can read without harm: it crashes on
/// one invalid CPV, and writes outside its directory where `PATH` climbs.
public struct PackagesEntry: Sendable, Hashable {
  /// Why no entry is made.
  public enum ValidityError: Error, Equatable, Sendable {
    /// `CPV` is missing or invalid.
    case cpv(String)
    /// `PATH` is missing, climbs, is absolute, or doesn't end in `.gpkg.tar`.
    case path(String)
    /// A field's name has a character that the format can't carry.
    case fieldName(String)
    /// A field's value has a line break, another control character or is too long.
    case value(field: String)
    /// `SIZE` or `BUILD_TIME` is no whole number, or a digest is no hexadecimal text of its length.
    case number(field: String)
  }

  /// The longest value of one field, in bytes.
  public static let longestValue = 262_144

  /// All fields, in the order of their names.
  public private(set) var fields: [String: String]

  /// Takes fields as they were read; `problem` says whether they make a usable entry.
  public init(unchecked fields: [String: String]) { self.fields = fields }

  /// Makes an entry and refuses what Portage would choke on.
  ///
  /// `fields` holds everything but `CPV` and `PATH`; empty values are left out, as Portage does.
  public init(
    cpv: CPV, path: String, fields: [String: String]
  ) throws(ValidityError) {
    self.fields = fields.filter { !$0.value.isEmpty }
    self.fields["CPV"] = cpv.description
    self.fields["PATH"] = path
    if let problem { throw problem }
  }

  /// The value of a field, or nil where it is absent.
  public subscript(_ name: String) -> String? { fields[name] }

  /// The package, if `CPV` is valid.
  public var cpv: CPV? { fields["CPV"].flatMap { try? CPV($0) } }

  /// The file's path below the binhost's address, if given.
  public var path: String? { fields["PATH"] }

  /// The build's time in Unix seconds, if given.
  public var buildTime: Int64? { fields["BUILD_TIME"].flatMap { Int64($0) } }

  /// What makes the entry unusable, or nil.
  public var problem: ValidityError? {
    guard cpv != nil else { return .cpv(fields["CPV"] ?? "") }
    guard let path, Self.isSafePath(path) else { return .path(fields["PATH"] ?? "") }
    for (name, value) in fields {
      guard Self.isFieldName(name) else { return .fieldName(name) }
      guard Self.isValue(value) else { return .value(field: name) }
    }
    for name in ["SIZE", "BUILD_TIME", "BUILD_ID"] {
      guard let value = fields[name] else { continue }
      guard let number = Int64(value), number >= 0 else { return .number(field: name) }
    }
    for (name, length) in [("MD5", 32), ("SHA1", 40)] {
      guard let value = fields[name] else { continue }
      guard Self.isHexadecimal(value, length) else { return .number(field: name) }
    }
    return nil
  }

  /// Whether `path` stays below the directory it is joined to and names a gpkg.
  public static func isSafePath(_ path: String) -> Bool {
    guard path.utf8.count <= 1024, path.hasSuffix(".gpkg.tar") else { return false }
    var beginsPart = true
    for byte in path.utf8 {
      if byte == UInt8(ascii: "/") {
        if beginsPart { return false }
        beginsPart = true
        continue
      }
      let isAllowed = NameRules.isWord(byte) || NameRules.isAny(byte, "+-")
      guard isAllowed || (byte == UInt8(ascii: ".") && !beginsPart) else { return false }
      beginsPart = false
    }
    return !beginsPart
  }

  static func isFieldName(_ name: String) -> Bool {
    let bytes = name.utf8
    return !bytes.isEmpty && bytes.count <= 128
      && bytes.allSatisfy { NameRules.isWord($0) || NameRules.isAny($0, "+.-@") }
  }

  static func isValue(_ value: String) -> Bool {
    let bytes = value.utf8
    return bytes.count <= longestValue && bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
  }

  private static func isHexadecimal(_ text: String, _ length: Int) -> Bool {
    text.utf8.count == length
      && text.utf8.allSatisfy { NameRules.isDigit($0) || ($0 >= 0x61 && $0 <= 0x66) }
  }
}
