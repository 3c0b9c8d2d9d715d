/// A binhost's index: a header and one entry per package (`Packages`).
public struct PackagesIndex: Sendable, Hashable {
  /// Why a text is no index.
  public enum ParseError: Error, Equatable, Sendable {
    /// Longer than the bound, in bytes.
    case tooLong(Int, limit: Int)
    /// A line longer than the bound; the line's number begins at one.
    case lineTooLong(line: Int, limit: Int)
    /// More entries than the bound.
    case tooManyEntries(limit: Int)
    /// More fields in one entry than the bound.
    case tooManyFields(line: Int, limit: Int)
    /// A line without a colon, or bytes that are no UTF-8.
    case malformed(line: Int)
  }

  /// Bounds of what is read.
  public struct Limits: Sendable {
    /// Bytes of the whole index; Gentoo's own binhosts have about 20 MB.
    public var bytes = 134_217_728
    /// Bytes of one line.
    public var line = 262_144
    /// Entries.
    public var entries = 200_000
    /// Fields of one entry or of the header.
    public var fields = 256

    /// The limits above.
    public init() {}
  }

  /// The header's fields.
  public var header: [String: String]
  /// The entries, in the order read.
  public var entries: [PackagesEntry]

  /// Holds a header and entries.
  public init(header: [String: String], entries: [PackagesEntry]) {
    self.header = header
    self.entries = entries
  }

  /// Reads an index; entries without `CPV` are left out, as Portage leaves them out.
  public init(_ bytes: [UInt8], limits: Limits = Limits()) throws(ParseError) {
    guard bytes.count <= limits.bytes else { throw .tooLong(bytes.count, limit: limits.bytes) }
    var reader = PackagesReader(bytes, limits: limits)
    header = try reader.nextBlock() ?? [:]
    entries = []
    while let fields = try reader.nextBlock() {
      guard fields["CPV"] != nil else { continue }
      guard entries.count < limits.entries else {
        throw .tooManyEntries(limit: limits.entries)
      }
      entries.append(PackagesEntry(unchecked: fields))
    }
  }

  /// Whether an entry takes the field from the header where it lacks it, as Portage has it.
  public static func isInherited(_ name: String) -> Bool { name == "CHOST" || name == "REPO" }

  /// What an absent field of an entry means.
  public static func defaultValue(of name: String) -> String {
    name == "EAPI" || name == "SLOT" ? "0" : ""
  }

  /// A field of an entry: its own, else the header's where that is inherited, else the default.
  public func value(_ name: String, of entry: PackagesEntry) -> String {
    if let own = entry[name] { return own }
    if Self.isInherited(name), let shared = header[name] { return shared }
    return Self.defaultValue(of: name)
  }

  /// The time stamp in Unix seconds, if the header has one.
  public var timestamp: Int64? { header["TIMESTAMP"].flatMap { Int64($0) } }
}
