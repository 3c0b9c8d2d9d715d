/// One range of a `Range` header (RFC 9110 §14.2).
enum ByteRange: Equatable {
  /// No range, several, or none that is understood: the whole file is sent.
  case whole
  /// These bytes.
  case part(Range<UInt64>)
  /// None of the file's bytes.
  case unsatisfiable

  /// What a header asks of a file of `size` bytes.
  init(_ header: String?, size: UInt64) {
    guard let header, header.utf8.count <= 64, header.hasPrefix("bytes=") else {
      self = .whole
      return
    }
    let ends = header.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count == 2, Self.isNumber(ends[0]) || Self.isNumber(ends[1]) else {
      self = .whole
      return
    }
    if ends[0].isEmpty {
      guard let count = UInt64(ends[1]) else {
        self = .whole
        return
      }
      self = count == 0 || size == 0 ? .unsatisfiable : .part(size - min(count, size)..<size)
      return
    }
    guard Self.isNumber(ends[0]), let first = UInt64(ends[0]) else {
      self = .whole
      return
    }
    guard first < size else {
      self = .unsatisfiable
      return
    }
    if ends[1].isEmpty {
      self = .part(first..<size)
    } else if Self.isNumber(ends[1]), let last = UInt64(ends[1]), last >= first {
      self = .part(first..<min(last, size - 1) + 1)
    } else {
      self = .whole
    }
  }

  private static func isNumber(_ text: Substring) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { $0 >= 48 && $0 <= 57 }
  }
}
