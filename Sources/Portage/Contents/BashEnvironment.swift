/// The bash environment that a package carries (`environment.bz2`): variables, then functions.
///
/// Portage sources it as root, so its text is code. Variables are recognised only at its start,
/// one per line, each written the one way that bash prints them without anything to expand;
/// with the first line that is anything else the code begins. So text left out as "a variable"
/// can never be a command.
public struct BashEnvironment: Sendable, Hashable {
  /// Why an environment can't be read.
  public enum ReadError: Error, Equatable, Sendable {
    /// Not bzip2, damaged or cut off.
    case damaged
    /// Longer than the bound once unpacked, in bytes.
    case tooLarge(limit: Int)
  }

  /// The value of a variable.
  public enum Value: Sendable, Hashable {
    /// Declared without a value.
    case unset
    /// One text, as bytes: the environment need not be UTF-8.
    case scalar([UInt8])
    /// The elements of an array, with their keys as written.
    case array([Element])
  }

  /// One element of an array.
  public struct Element: Sendable, Hashable {
    /// The index or key, as written.
    public let key: String
    /// The value.
    public let value: [UInt8]
  }

  /// One declaration.
  public struct Variable: Sendable, Hashable {
    /// The name.
    public let name: String
    /// bash's attribute letters, such as `x` for exported; empty for none.
    public let attributes: String
    /// The value.
    public let value: Value
    /// Where its lines lie in `bytes`, the line break included.
    public let range: Range<Int>

    /// A scalar's text; nil for others and for what is no UTF-8.
    public var text: String? {
      guard case .scalar(let bytes) = value else { return nil }
      return String(validating: bytes, as: UTF8.self)
    }
  }

  /// One function.
  public struct Function: Sendable, Hashable {
    /// The name.
    public let name: String
    /// The text from its name to the line of its closing brace.
    public let text: [UInt8]
  }

  /// The largest environment that is unpacked; real ones have 10 KB to 1 MB.
  public static let largest = 32 << 20

  /// The whole text.
  public let bytes: [UInt8]
  /// The declarations, in their order.
  public let variables: [Variable]
  /// The functions, in their order; text between them belongs to none.
  public let functions: [Function]

  /// Reads an unpacked environment; never fails, whatever the bytes.
  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
    var parser = BashDeclarationParser(bytes)
    variables = parser.variables()
    functions = Self.functions(bytes[(variables.last?.range.upperBound ?? 0)...])
  }

  /// Unpacks and reads `environment.bz2`.
  public init(bzip2 packed: [UInt8], limit: Int = largest) throws(ReadError) {
    self.init(try Self.unpacked(packed, limit: limit))
  }

  /// The last declaration of a variable.
  public subscript(_ name: String) -> Variable? {
    variables.last { $0.name == name }
  }

  /// The exact text without the declarations of `names`: what a digest should cover.
  public func bytes(without names: Set<String>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var start = 0
    for variable in variables where names.contains(variable.name) {
      result.append(contentsOf: bytes[start..<variable.range.lowerBound])
      start = variable.range.upperBound
    }
    result.append(contentsOf: bytes[start...])
    return result
  }

  private static func unpacked(_ packed: [UInt8], limit: Int) throws(ReadError) -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: ArchiveReader.chunk, alignment: 16)
    defer { buffer.deallocate() }
    var result: [UInt8] = []
    do throws(Gpkg.ReadError) {
      let reader = try ArchiveReader(
        .raw, filter: .bzip2, part: .metadata, source: MemorySource(packed))
      guard try reader.next() != nil else { return [] }
      while case let count = try reader.read(into: buffer), count > 0 {
        guard result.count + count <= limit else {
          throw Gpkg.ReadError.tooLarge(.metadata, limit: UInt64(limit))
        }
        result.append(contentsOf: buffer[..<count])
      }
      // The bzip2 that Portage calls may see more in what libarchive passes over.
      guard reader.consumed == packed.count else {
        throw Gpkg.ReadError.trailingBytes(.metadata)
      }
      return result
    } catch {
      if case .tooLarge = error { throw .tooLarge(limit: limit) }
      throw .damaged
    }
  }

  private static func functions(_ code: ArraySlice<UInt8>) -> [Function] {
    var functions: [Function] = []
    var open: (name: String, start: Int)?
    var place = code.startIndex
    while place < code.endIndex {
      let end = code[place...].firstIndex(of: 0x0a) ?? code.endIndex
      let line = code[place..<end]
      let next = min(end + 1, code.endIndex)
      if let (name, start) = open {
        if line.elementsEqual("}".utf8) {
          functions.append(Function(name: name, text: Array(code[start..<next])))
          open = nil
        }
      } else if let name = functionName(line) {
        open = (name, place)
      }
      place = next
    }
    return functions
  }

  /// The name in a line `name () `, as bash prints the first line of a function.
  private static func functionName(_ line: ArraySlice<UInt8>) -> String? {
    let trimmed = line.last == 0x20 ? line.dropLast() : line
    guard trimmed.suffix(3).elementsEqual(" ()".utf8) else { return nil }
    let name = trimmed.dropLast(3)
    guard !name.isEmpty, name.count <= 1024, !name.contains(0x20) else { return nil }
    return String(validating: name, as: UTF8.self)
  }
}
