/// What one ELF file says about where it runs and what it needs.
///
/// Read from program headers, which are what the loader reads (System V gABI, chapter 5).
public struct ELFFacts: Sendable, Hashable {
  /// Why bytes give no facts.
  public enum ParseError: Error, Equatable, Sendable {
    /// They don't begin with ELF's magic number.
    case notELF
    /// The class, byte order or header version is none that exists.
    case unknownForm
    /// A table or text lies outside the file or is cut off.
    case outOfBounds(String)
    /// A table longer than the bound.
    case tooMany(String, limit: Int)
  }

  /// The width of addresses.
  public enum Class: Sendable, Hashable {
    /// 32 bits.
    case bits32
    /// 64 bits.
    case bits64
  }

  /// The symbol versions needed of one library.
  public struct NeededVersions: Sendable, Hashable {
    /// The library's name.
    public let library: String
    /// Version names such as `GLIBC_2.34`, in the file's order.
    public let versions: [String]

    /// Makes the value.
    public init(library: String, versions: [String]) {
      self.library = library
      self.versions = versions
    }
  }

  /// The bits of `x86ISANeeded` (x86-64 psABI).
  public enum X86Level: UInt32, Sendable, Hashable, CaseIterable {
    /// x86-64 itself.
    case baseline = 1
    /// x86-64-v2.
    case v2 = 2
    /// x86-64-v3.
    case v3 = 4
    /// x86-64-v4.
    case v4 = 8
  }

  /// The bound of every table here.
  public static let longestTable = 8192

  /// The width of addresses.
  public internal(set) var elfClass = Class.bits64
  /// Whether numbers are big-endian.
  public internal(set) var isBigEndian = false
  /// The type: 1 relocatable, 2 executable, 3 shared, 4 core.
  public internal(set) var type: UInt16 = 0
  /// The machine's number, such as 62 for x86-64.
  public internal(set) var machine: UInt16 = 0
  /// The file's own name as a library, if it has one.
  public internal(set) var soname: String?
  /// The libraries it needs, in their order.
  public internal(set) var needed: [String] = []
  /// The symbol versions it needs, by library.
  public internal(set) var neededVersions: [NeededVersions] = []
  /// The bits of the x86 instruction sets that it must not run without; nil where it says nothing.
  public internal(set) var x86ISANeeded: UInt32?

  /// Whether bytes begin as an ELF file does.
  public static func isELF(_ bytes: some Sequence<UInt8>) -> Bool {
    bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46])
  }

  /// Reads one whole file.
  public init(_ bytes: [UInt8]) throws(ParseError) {
    guard Self.isELF(bytes) else { throw .notELF }
    guard bytes.count >= 20, bytes[6] == 1, (1...2).contains(bytes[4]), (1...2).contains(bytes[5])
    else { throw .unknownForm }
    let file = ELFBytes(bytes: bytes, is64: bytes[4] == 2, isBigEndian: bytes[5] == 2)
    elfClass = file.is64 ? .bits64 : .bits32
    isBigEndian = file.isBigEndian
    type = UInt16(file.half(16) ?? 0)
    machine = UInt16(file.half(18) ?? 0)
    let segments = try ELFSegments(file)
    if let dynamic = segments.dynamic { try readDynamic(file, segments, dynamic) }
    for note in segments.notes { try readNotes(file, note) }
  }

  /// The highest x86-64 level that it must not run without, if it says so.
  public var x86LevelNeeded: X86Level? {
    guard let bits = x86ISANeeded else { return nil }
    return X86Level.allCases.last { bits & $0.rawValue != 0 }
  }
}
