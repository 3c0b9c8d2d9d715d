/// Reads the lines of binrepos.conf as Python's `configparser` does, with which Portage reads it.
enum BinrepoParser {
  typealias Section = BinrepoConfiguration.Section

  static func sections(
    _ lines: [Substring]
  ) throws(BinrepoConfiguration.ParseError) -> [Section] {
    var sections: [Section] = []
    for (place, line) in lines.enumerated() {
      let text = trimmed(line)
      guard let first = text.first, first != "#", first != ";" else { continue }
      if let last = sections.indices.last, isIndented(line), !sections[last].settings.isEmpty {
        let setting = sections[last].settings.count - 1
        sections[last].settings[setting].value += "\n\(text)"
      } else if let name = header(text) {
        guard !sections.contains(where: { $0.name == name }) else {
          throw .duplicateSection(name, line: place + 1)
        }
        sections.append(Section(name: name, settings: []))
      } else {
        try add(text, place, to: &sections)
      }
    }
    return sections
  }

  private static func add(
    _ text: Substring, _ place: Int, to sections: inout [Section]
  ) throws(BinrepoConfiguration.ParseError) {
    guard let last = sections.indices.last,
      let delimiter = text.firstIndex(where: { $0 == "=" || $0 == ":" })
    else { throw .malformed(line: place + 1) }
    let name = trimmed(text[..<delimiter]).lowercased()
    guard !name.isEmpty else { throw .malformed(line: place + 1) }
    guard sections[last][name] == nil else { throw .duplicateSetting(name, line: place + 1) }
    let value = String(trimmed(text[text.index(after: delimiter)...]))
    sections[last].settings.append(BinrepoConfiguration.Setting(name, value))
  }

  private static func header(_ text: Substring) -> String? {
    guard text.first == "[", let end = text.firstIndex(of: "]") else { return nil }
    let name = text[text.index(after: text.startIndex)..<end]
    return name.isEmpty ? nil : String(name)
  }

  private static func isIndented(_ line: Substring) -> Bool {
    line.first == " " || line.first == "\t"
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var rest = text
    while rest.first?.isWhitespace == true { rest.removeFirst() }
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return rest
  }
}
