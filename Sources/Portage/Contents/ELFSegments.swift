/// The program headers of an ELF file that matter here.
struct ELFSegments {
  struct Segment {
    var offset: UInt64
    var address: UInt64
    var size: UInt64
    var alignment: UInt64
  }

  /// Linux itself refuses more than 64 KiB of program headers.
  static let mostHeaders = 1170
  /// Bounds the work on notes, which may overlap.
  static let mostNoteBytes: UInt64 = 1 << 20

  private(set) var dynamic: Segment?
  private(set) var notes: [Segment] = []
  private var loads: [Segment] = []
  private var noteBytes: UInt64 = 0

  init(_ file: ELFBytes) throws(ELFFacts.ParseError) {
    guard let table = file.address(file.is64 ? 32 : 28),
      let size = file.half(file.is64 ? 54 : 42), let count = file.half(file.is64 ? 56 : 44)
    else { throw .outOfBounds("header") }
    guard count > 0 else { return }
    guard size >= (file.is64 ? 56 : 32) else { throw .outOfBounds("program header") }
    guard count <= Self.mostHeaders else {
      throw .tooMany("program headers", limit: Self.mostHeaders)
    }
    for place in 0..<count {
      guard let start = (place * size).plus(table) else { throw .outOfBounds("program header") }
      try read(file, start)
    }
  }

  private mutating func read(
    _ file: ELFBytes, _ start: UInt64
  ) throws(ELFFacts.ParseError) {
    // Fields stand in another order in 32-bit files (gABI, figure 5-1).
    let (offsetPlace, addressPlace, sizePlace, alignPlace): (UInt64, UInt64, UInt64, UInt64) =
      file.is64 ? (8, 16, 32, 48) : (4, 8, 16, 28)
    guard let last = start.plus(56), last > start, let kind = file.word(start),
      let offset = file.address(start + offsetPlace),
      let address = file.address(start + addressPlace),
      let size = file.address(start + sizePlace), let align = file.address(start + alignPlace)
    else { throw .outOfBounds("program header") }
    let segment = Segment(offset: offset, address: address, size: size, alignment: align)
    switch kind {
    case 1: loads.append(segment)
    case 2: dynamic = segment
    case 4:
      noteBytes = noteBytes.addingReportingOverflow(size).partialValue
      guard size <= Self.mostNoteBytes, noteBytes <= Self.mostNoteBytes else {
        throw .tooMany("bytes of notes", limit: Int(Self.mostNoteBytes))
      }
      notes.append(segment)
    default: break
    }
  }

  /// Where in the file the byte at `address` lies.
  func offset(of address: UInt64) -> UInt64? {
    for load in loads where address >= load.address && address - load.address < load.size {
      return (address - load.address).plus(load.offset)
    }
    return nil
  }
}
