/// Prints an index piece by piece, so that its size never has to fit into memory.
///
/// The sink gets chunks of about 64 KiB. Fields stand in Portage's order; what equals the
/// header's inherited field or the default is left out, as Portage prints.
public struct PackagesWriter<Failure: Error> {
  private let sink: ([UInt8]) throws(Failure) -> Void
  private var buffer: [UInt8] = []
  private var header: [String: String] = [:]

  /// Begins an index with its header; `PACKAGES` is the number of entries that will follow.
  public init(
    header: [String: String], count: Int,
    to sink: @escaping ([UInt8]) throws(Failure) -> Void
  ) throws(Failure) {
    self.sink = sink
    buffer.reserveCapacity(Self.chunk + 4096)
    self.header = header
    self.header["PACKAGES"] = String(count)
    try write(self.header)
  }

  private static var chunk: Int { 65_536 }

  /// Prints one entry.
  public mutating func append(_ entry: PackagesEntry) throws(Failure) {
    try write(entry.fields, leavingOut: true)
  }

  /// Prints one entry whose lines are there already.
  public mutating func append(_ entry: PrintedEntry) throws(Failure) {
    buffer.append(contentsOf: entry.lines)
    try endBlock()
  }

  /// Hands the rest to the sink; nothing may be appended after it.
  public mutating func finish() throws(Failure) {
    guard !buffer.isEmpty else { return }
    try sink(buffer)
    buffer.removeAll(keepingCapacity: true)
  }

  private mutating func write(
    _ fields: [String: String], leavingOut: Bool = false
  ) throws(Failure) {
    let header = leavingOut ? header : nil
    PackagesPrinter.append(fields, to: &buffer) { name, value in
      header.map { Self.isImplied(name, value, by: $0) } ?? false
    }
    try endBlock()
  }

  private mutating func endBlock() throws(Failure) {
    buffer.append(0x0a)
    guard buffer.count >= Self.chunk else { return }
    try finish()
  }

  /// Whether a reader takes the value from the header or the default where the field is absent.
  private static func isImplied(
    _ name: String, _ value: String, by header: [String: String]
  ) -> Bool {
    if PackagesIndex.isInherited(name) { return header[name] == value }
    return PackagesIndex.defaultValue(of: name) == value
  }
}

/// The lines of one block.
enum PackagesPrinter {
  /// Appends the fields that have a value and are not implied, in Portage's order.
  static func append(
    _ fields: [String: String], to buffer: inout [UInt8],
    leavingOut isImplied: (_ name: String, _ value: String) -> Bool
  ) {
    var lines: [(rank: String, name: String, value: String)] = []
    lines.reserveCapacity(fields.count)
    for (name, value) in fields where !value.isEmpty && !isImplied(name, value) {
      lines.append((rank(name), name, value))
    }
    lines.sort { $0.rank < $1.rank }
    for line in lines {
      buffer.append(contentsOf: line.name.utf8)
      buffer.append(UInt8(ascii: ":"))
      buffer.append(UInt8(ascii: " "))
      buffer.append(contentsOf: line.value.utf8)
      buffer.append(0x0a)
    }
  }

  /// Portage sorts by the names it uses itself, which differ from the printed ones for these.
  private static func rank(_ name: String) -> String {
    switch name {
    case "DESC": "DESCRIPTION"
    case "MTIME": "_mtime_"
    case "REPO": "repository"
    default: name
    }
  }
}

extension PackagesIndex {
  /// The whole index in Portage's order: by the text of `CPV`, equal ones as they stand.
  public func printed() -> [UInt8] {
    var bytes: [UInt8] = []
    var order: [(cpv: String, place: Int)] = []
    for (place, entry) in entries.enumerated() {
      order.append((entry["CPV"] ?? "", place))
    }
    order.sort { $0.cpv == $1.cpv ? $0.place < $1.place : $0.cpv < $1.cpv }
    var writer = PackagesWriter<Never>(header: header, count: order.count) {
      bytes.append(contentsOf: $0)
    }
    for (_, place) in order { writer.append(entries[place]) }
    writer.finish()
    return bytes
  }
}
