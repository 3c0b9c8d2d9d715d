/// One package of an index as the lines that stand there: small to keep and ready to be written.
///
/// The fields of 20,000 packages as dictionaries would take several times the index's size.
public struct PrintedEntry: Sendable, Hashable {
  /// What a checked entry says about its file.
  public struct Facts: Sendable, Hashable {
    /// `category/name-version`.
    public internal(set) var cpv = ""
    /// The file's path below the binhost's address.
    public internal(set) var path = ""
    /// The file's size in bytes, if given.
    public internal(set) var size: Int64?
    /// Whether there is a digest of the file.
    public internal(set) var hasDigest = false
  }

  /// `NAME: value` lines, each with its line break.
  public let lines: [UInt8]

  /// Takes lines as they were printed; `check` says whether they make a usable entry.
  public init(lines: [UInt8]) { self.lines = lines }

  /// Prints an entry in Portage's order of fields.
  public init(_ entry: PackagesEntry) {
    var lines: [UInt8] = []
    PackagesPrinter.append(entry.fields, to: &lines) { name, value in
      !PackagesIndex.isInherited(name) && PackagesIndex.defaultValue(of: name) == value
    }
    self.lines = lines
  }

  /// The value of a field; nil where it is absent.
  public subscript(_ name: String) -> String? {
    let prefix = Array(name.utf8) + [UInt8(ascii: ":"), UInt8(ascii: " ")]
    for line in lines.split(separator: 0x0a) where line.starts(with: prefix) {
      return String(decoding: line.dropFirst(prefix.count), as: UTF8.self)
    }
    return nil
  }

  /// Reads the lines once and refuses what Portage would choke on, as `PackagesEntry.problem` does, and
  /// a field that stands there twice.
  public func check() throws(PackagesEntry.ValidityError) -> Facts {
    var reader = PrintedEntryReader()
    let problem = lines.withUnsafeBufferPointer { reader.read($0) }
    if let problem { throw problem }
    return reader.facts
  }
}
