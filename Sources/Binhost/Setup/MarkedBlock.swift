/// Our lines in a file that others own, between two marks that say how to give it back as it was.
struct MarkedBlock {
  private static let begin = "# larder setup: begin"
  private static let end = "# larder setup: end\n"
  private static let newFile = " (new file)"
  private static let addedNewline = " (the line before had no end)"

  /// The lines between the marks.
  let content: String
  /// Whether the file was not there before.
  let madeFile: Bool
  /// The file's text without the block and what was added to make room for it.
  let removed: String

  /// The block in `text`; nil if there is none that is whole.
  init?(in text: String) {
    guard let start = text.lineStart(Self.begin),
      let headEnd = text[start...].firstIndex(of: "\n"),
      let stop = text[headEnd...].lineStart(Self.end)
    else { return nil }
    let flags = text[start..<headEnd].dropFirst(Self.begin.count)
    let first = text.index(after: headEnd)
    guard first <= stop else { return nil }
    content = String(text[first..<stop])
    madeFile = flags.contains(Self.newFile)
    var before = text[..<start]
    // The empty line that separates the block, and the line end that the last line lacked.
    if !before.isEmpty, before.hasSuffix("\n") { before.removeLast() }
    if flags.contains(Self.addedNewline), before.hasSuffix("\n") { before.removeLast() }
    removed = String(before) + text[text.index(stop, offsetBy: Self.end.count)...]
  }

  /// The text with a block of `content` at its end; nil is a file that is not there.
  static func appended(_ content: String, to text: String?) -> String {
    guard let text, !text.isEmpty else {
      return begin + (text == nil ? newFile : "") + "\n" + content + end
    }
    let lacksEnd = text.utf8.last != 0x0a
    let room = lacksEnd ? "\n\n" : "\n"
    return text + room + begin + (lacksEnd ? addedNewline : "") + "\n" + content + end
  }
}

extension StringProtocol where SubSequence == Substring {
  /// Where a line begins with `mark`.
  fileprivate func lineStart(_ mark: String) -> Index? {
    var place = startIndex
    while place < endIndex {
      let rest = self[place...]
      if (place == startIndex || self[index(before: place)] == "\n"), rest.hasPrefix(mark) {
        return place
      }
      guard let end = rest.firstIndex(of: "\n") else { return nil }
      place = index(after: end)
    }
    return nil
  }
}
