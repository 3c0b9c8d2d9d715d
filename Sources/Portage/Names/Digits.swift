/// A whole number of any length, without leading zeros; zero is empty.
struct Digits: Sendable, Hashable, Comparable {
  private let bytes: [UInt8]

  init() { bytes = [] }

  init(_ digits: some Sequence<UInt8>) {
    bytes = Array(digits.drop { $0 == UInt8(ascii: "0") })
  }

  static func < (left: Digits, right: Digits) -> Bool {
    if left.bytes.count != right.bytes.count { return left.bytes.count < right.bytes.count }
    return left.bytes.lexicographicallyPrecedes(right.bytes)
  }
}

/// A number after a dot in a version.
///
/// With a leading zero on either side two of them compare as text without trailing zeros (PMS 9,
/// algorithm 3.3), which puts all that begin with a zero before all that don't.
struct Component: Sendable, Hashable, Comparable {
  private enum Form: Sendable, Hashable {
    case fraction([UInt8])
    case number(Digits)
  }

  private let form: Form

  init(_ digits: ArraySlice<UInt8>) {
    guard digits.first == UInt8(ascii: "0") else {
      form = .number(Digits(digits))
      return
    }
    let end = digits.lastIndex { $0 != UInt8(ascii: "0") }
    form = .fraction(end.map { Array(digits[...$0]) } ?? [])
  }

  static func < (left: Component, right: Component) -> Bool {
    switch (left.form, right.form) {
    case (.fraction(let mine), .fraction(let theirs)): mine.lexicographicallyPrecedes(theirs)
    case (.number(let mine), .number(let theirs)): mine < theirs
    case (.fraction, .number): true
    case (.number, .fraction): false
    }
  }
}
