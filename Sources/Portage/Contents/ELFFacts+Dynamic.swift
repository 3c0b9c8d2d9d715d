extension ELFFacts {
  private struct Tags {
    var needed: [UInt64] = []
    var soname: UInt64?
    var strings: UInt64?
    var versions: UInt64?
    var versionCount: UInt64 = 0
  }

  mutating func readDynamic(
    _ file: ELFBytes, _ segments: ELFSegments, _ dynamic: ELFSegments.Segment
  ) throws(ParseError) {
    let tags = try Self.tags(file, dynamic)
    guard let address = tags.strings else { return }
    guard let strings = segments.offset(of: address) else { throw .outOfBounds("string table") }
    for name in tags.needed { needed.append(try Self.text(file, strings, name)) }
    if let name = tags.soname { soname = try Self.text(file, strings, name) }
    guard let versions = tags.versions, tags.versionCount > 0 else { return }
    guard let start = segments.offset(of: versions) else { throw .outOfBounds("needed versions") }
    try readVersions(file, strings, start, tags.versionCount)
  }

  private static func tags(
    _ file: ELFBytes, _ dynamic: ELFSegments.Segment
  ) throws(ParseError) -> Tags {
    var tags = Tags()
    let width: UInt64 = file.is64 ? 8 : 4
    let count = dynamic.size / (2 * width)
    guard count <= longestTable else { throw .tooMany("dynamic section", limit: longestTable) }
    for place in 0..<count {
      guard let start = dynamic.offset.plus(place * 2 * width), let second = start.plus(width),
        let tag = file.address(start), let value = file.address(second)
      else { throw .outOfBounds("dynamic section") }
      switch tag {
      case 0: return tags
      case 1: tags.needed.append(value)
      case 5: tags.strings = value
      case 14: tags.soname = value
      case 0x6fff_fffe: tags.versions = value
      case 0x6fff_ffff: tags.versionCount = value
      default: break
      }
    }
    return tags
  }

  /// The chain of needed versions (LSB core, Symbol Versioning, figure 3-3).
  private mutating func readVersions(
    _ file: ELFBytes, _ strings: UInt64, _ start: UInt64, _ count: UInt64
  ) throws(ParseError) {
    var place = start
    var budget = Self.longestTable
    for _ in 0..<min(count, UInt64(Self.longestTable)) {
      guard let last = place.plus(16), last <= file.count, let names = file.half(place + 2),
        let library = file.word(place + 4), let first = file.word(place + 8),
        let next = file.word(place + 12), var name = place.plus(first)
      else { throw .outOfBounds("needed versions") }
      var versions: [String] = []
      for _ in 0..<names {
        budget -= 1
        guard budget > 0 else { throw .tooMany("needed versions", limit: Self.longestTable) }
        guard let last = name.plus(16), last <= file.count, let text = file.word(name + 8),
          let step = file.word(name + 12), let following = name.plus(step)
        else { throw .outOfBounds("needed versions") }
        versions.append(try Self.text(file, strings, text))
        if step == 0 { break }
        name = following
      }
      neededVersions.append(
        NeededVersions(library: try Self.text(file, strings, library), versions: versions))
      guard next != 0, let following = place.plus(next) else { return }
      place = following
    }
  }

  private static func text(
    _ file: ELFBytes, _ strings: UInt64, _ place: UInt64
  ) throws(ParseError) -> String {
    guard let offset = strings.plus(place), let text = file.text(offset) else {
      throw .outOfBounds("string")
    }
    return text
  }
}

extension ELFFacts {
  /// Looks for the note of GNU properties (Linux ABI extensions) and x86's needed instruction set in it.
  mutating func readNotes(
    _ file: ELFBytes, _ segment: ELFSegments.Segment
  ) throws(ParseError) {
    guard let end = segment.offset.plus(segment.size), end <= file.count else {
      throw .outOfBounds("note")
    }
    let alignment: UInt64 = segment.alignment == 8 ? 8 : 4
    var place = segment.offset
    // Each turn moves forward by a header at least.
    while let descriptor = place.plus(12), descriptor < end {
      guard let nameSize = file.word(place), let size = file.word(place + 4),
        let kind = file.word(place + 8),
        let start = place.plus(Self.aligned(12 + nameSize, alignment)),
        let next = start.plus(Self.aligned(size, alignment)), start + size <= end
      else { throw .outOfBounds("note") }
      if kind == 5, nameSize == 4, file.text(descriptor) == "GNU" {
        readProperties(file, start, start + size)
      }
      place = next
    }
  }

  private mutating func readProperties(_ file: ELFBytes, _ start: UInt64, _ end: UInt64) {
    guard machine == 62 || machine == 3 else { return }
    var place = start
    while place + 8 <= end, let kind = file.word(place), let size = file.word(place + 4) {
      let value = place + 8
      if kind == 0xc000_8002, size == 4, value + 4 <= end, let bits = file.word(value) {
        x86ISANeeded = (x86ISANeeded ?? 0) | UInt32(bits)
      }
      place = value + Self.aligned(size, file.is64 ? 8 : 4)
    }
  }

  private static func aligned(_ size: UInt64, _ to: UInt64) -> UInt64 {
    (size + to - 1) / to * to
  }
}
