/// A small ELF file of any width and byte order, made for a test.
struct ELFImage {
  var is64 = true
  var isBigEndian = false
  var machine: UInt64 = 62
  var soname: String?
  var needed: [String] = []
  var versions: [(library: String, names: [String])] = []
  var isaNeeded: UInt64?

  private static let base: UInt64 = 0x10000

  func bytes() -> [UInt8] {
    let headerSize = is64 ? 64 : 52
    let segmentSize = is64 ? 56 : 32
    var strings: [UInt8] = [0]
    let intern = { (text: String) -> UInt64 in
      let place = UInt64(strings.count)
      strings.append(contentsOf: Array(text.utf8) + [0])
      return place
    }
    var dynamic: [(UInt64, UInt64)] = needed.map { (1, intern($0)) }
    if let soname { dynamic.append((14, intern(soname))) }
    var verneed: [UInt8] = []
    for (place, entry) in versions.enumerated() {
      let size = UInt64(16 + 16 * entry.names.count)
      let next = place + 1 < versions.count ? size : 0
      verneed += number(1, 2) + number(UInt64(entry.names.count), 2)
      verneed += number(intern(entry.library), 4) + number(16, 4) + number(next, 4)
      for (place, name) in entry.names.enumerated() {
        verneed += number(0, 4) + number(0, 2) + number(2, 2) + number(intern(name), 4)
        verneed += number(place + 1 < entry.names.count ? 16 : 0, 4)
      }
    }
    let note = isaNeeded.map { properties($0) } ?? []
    let noteStart = headerSize + 3 * segmentSize
    let stringStart = noteStart + note.count
    let versionStart = stringStart + strings.count
    let dynamicStart = versionStart + verneed.count
    dynamic.append((5, Self.base + UInt64(stringStart)))
    if !versions.isEmpty {
      dynamic.append((0x6fff_fffe, Self.base + UInt64(versionStart)))
      dynamic.append((0x6fff_ffff, UInt64(versions.count)))
    }
    dynamic.append((0, 0))
    var table: [UInt8] = []
    for (tag, value) in dynamic { table += address(tag) + address(value) }
    let total = dynamicStart + table.count
    var file = header(headerSize, segmentSize)
    file += segment(1, 0, total)
    file += segment(2, dynamicStart, table.count)
    file += segment(4, noteStart, note.count)
    return file + note + strings + verneed + table
  }

  private func header(_ size: Int, _ segmentSize: Int) -> [UInt8] {
    let identity: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, isBigEndian ? 2 : 1, 1, 0]
    var file = identity + [UInt8](repeating: 0, count: 8)
    file += number(3, 2) + number(machine, 2) + number(1, 4)
    file += address(0) + address(UInt64(size)) + address(0) + number(0, 4)
    file += number(UInt64(size), 2) + number(UInt64(segmentSize), 2) + number(3, 2)
    return file + [UInt8](repeating: 0, count: 6)
  }

  private func segment(_ kind: UInt64, _ start: Int, _ size: Int) -> [UInt8] {
    let place = address(UInt64(start))
    let loaded = address(Self.base + UInt64(start))
    let length = address(UInt64(size)) + address(UInt64(size))
    let alignment = address(is64 ? 8 : 4)
    if is64 { return number(kind, 4) + number(4, 4) + place + loaded + loaded + length + alignment }
    return number(kind, 4) + place + loaded + loaded + length + number(4, 4) + alignment
  }

  private func properties(_ bits: UInt64) -> [UInt8] {
    var property = number(0xc000_8002, 4) + number(4, 4) + number(bits, 4)
    if is64 { property += number(0, 4) }
    return number(4, 4) + number(UInt64(property.count), 4) + number(5, 4) + Array("GNU\0".utf8)
      + property
  }

  private func address(_ value: UInt64) -> [UInt8] { number(value, is64 ? 8 : 4) }

  private func number(_ value: UInt64, _ width: Int) -> [UInt8] {
    let little = (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
    return isBigEndian ? little.reversed() : little
  }
}
