import Wire
import Yams

/// What is wrong with a configuration file, where, and what to write instead.
public struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file's path.
  public let file: String
  /// The line, from 1; 0 when the whole file is meant.
  public let line: Int
  /// The column, from 1; 0 when the whole file is meant.
  public let column: Int
  /// What is wrong and what to do.
  public let message: String

  /// `file:line:column: message`.
  public var description: String {
    line > 0 ? "\(file):\(line):\(column): \(message)" : "\(file): \(message)"
  }
}

/// One mapping of a YAML file, read key by key; a key that nobody asked for is an error.
///
/// Yams is used directly, since a mistake must be named with its line and column.
struct YAMLSection {
  let file: String
  private let path: String
  private let mark: Mark?
  private let entries: [(key: String, mark: Mark?, value: Yams.Node)]
  private var known: Set<String> = []

  /// The top mapping of a file's text; an empty file is an empty mapping.
  init(text: String, file: String) throws(ConfigurationError) {
    let node: Yams.Node?
    do {
      node = try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw Self.describe(error, file)
    } catch {
      throw ConfigurationError(file: file, line: 0, column: 0, message: "\(error)")
    }
    try self.init(node: node ?? .mapping(.init([])), path: "", file: file)
  }

  private init(node: Yams.Node, path: String, file: String) throws(ConfigurationError) {
    self.file = file
    self.path = path
    mark = node.mark
    if node.isEmptyScalar {
      entries = []
      return
    }
    guard let mapping = node.mapping else {
      throw Self.error(file, node.mark, "'\(path)' must hold 'key: value' lines")
    }
    var list: [(key: String, mark: Mark?, value: Yams.Node)] = []
    var seen: Set<String> = []
    for (key, value) in mapping {
      guard let name = key.string else {
        throw Self.error(file, key.mark, "a key must be plain text")
      }
      guard seen.insert(name).inserted else {
        throw Self.error(file, key.mark, "'\(path)\(name)' stands twice")
      }
      list.append((name, key.mark, value))
    }
    entries = list
  }

  /// The section under `key`, empty if absent.
  mutating func section(_ key: String) throws(ConfigurationError) -> YAMLSection {
    let node = take(key)?.value ?? .mapping(.init([]))
    return try YAMLSection(node: node, path: "\(path)\(key).", file: file)
  }

  /// The mappings of the list under `key`, none if absent.
  mutating func sections(_ key: String) throws(ConfigurationError) -> [YAMLSection] {
    guard let entry = take(key), !entry.value.isEmptyScalar else { return [] }
    guard let sequence = entry.value.sequence else {
      throw error(entry.value.mark, key, "must be a list, each item starting with '- '")
    }
    var list: [YAMLSection] = []
    for (index, item) in sequence.enumerated() {
      list.append(try YAMLSection(node: item, path: "\(path)\(key)[\(index)].", file: file))
    }
    return list
  }

  /// The text under `key`.
  mutating func string(_ key: String) throws(ConfigurationError) -> String? {
    guard let entry = take(key), !entry.value.isEmptyScalar else { return nil }
    guard let text = entry.value.scalar?.string else {
      throw error(entry.value.mark, key, "must be one word or text")
    }
    return text
  }

  /// The texts of the list under `key`; a single text counts as a list of one.
  mutating func strings(_ key: String) throws(ConfigurationError) -> [String]? {
    guard let entry = take(key), !entry.value.isEmptyScalar else { return nil }
    if let text = entry.value.scalar?.string { return [text] }
    guard let sequence = entry.value.sequence else {
      throw error(entry.value.mark, key, "must be a list of words")
    }
    var list: [String] = []
    for item in sequence {
      guard let text = item.scalar?.string else {
        throw error(item.mark, key, "must be a list of words")
      }
      list.append(text)
    }
    return list
  }

  /// A value that `parse` understands; `hint` says what to write otherwise.
  mutating func value<T>(
    _ key: String, hint: String, _ parse: (String) -> T?
  ) throws(ConfigurationError) -> T? {
    guard let text = try string(key) else { return nil }
    guard let value = parse(text) else {
      throw error(entry(key)?.value.mark, key, "is \"\(text)\"; \(hint)")
    }
    return value
  }

  /// A yes or no.
  mutating func flag(_ key: String) throws(ConfigurationError) -> Bool? {
    try value(key, hint: "write true or false") { text in
      switch text.lowercased() {
      case "true", "yes", "on": true
      case "false", "no", "off": false
      default: nil
      }
    }
  }

  /// A whole number within bounds.
  mutating func number(
    _ key: String, _ bounds: ClosedRange<Int>
  ) throws(ConfigurationError) -> Int? {
    let hint = "give a whole number from \(bounds.lowerBound) to \(bounds.upperBound)"
    return try value(key, hint: hint) { text in
      guard let number = Int(text), bounds.contains(number) else { return nil }
      return number
    }
  }

  /// A number of bytes.
  mutating func size(_ key: String, example: String) throws(ConfigurationError) -> ByteCount? {
    try value(key, hint: "give bytes, e.g. \(example)") { ByteCount($0) }
  }

  /// Refuses the keys that nobody asked for, naming the nearest known one.
  func finish() throws(ConfigurationError) {
    for entry in entries where !known.contains(entry.key) {
      let near = known.min { distance($0, entry.key) < distance($1, entry.key) }
      var message = "unknown key '\(path)\(entry.key)'"
      if let near, distance(near, entry.key) <= entry.key.utf8.count / 3 {
        message += "; did you mean '\(path)\(near)'?"
      } else if !known.isEmpty {
        message += "; known here: \(known.sorted().joined(separator: ", "))"
      }
      throw Self.error(file, entry.mark, message)
    }
  }

  /// An error about `key`, at its place in the file.
  func error(_ key: String, _ message: String) -> ConfigurationError {
    error(entry(key)?.value.mark ?? mark, key, message)
  }

  private func entry(_ key: String) -> (key: String, mark: Mark?, value: Yams.Node)? {
    entries.first { $0.key == key }
  }

  private mutating func take(_ key: String) -> (key: String, mark: Mark?, value: Yams.Node)? {
    known.insert(key)
    return entry(key)
  }

  private func error(_ mark: Mark?, _ key: String, _ message: String) -> ConfigurationError {
    Self.error(file, mark, "'\(path)\(key)' \(message)")
  }

  private static func error(_ file: String, _ mark: Mark?, _ message: String) -> ConfigurationError
  {
    ConfigurationError(
      file: file, line: mark?.line ?? 0, column: mark?.column ?? 0, message: message)
  }

  private static func describe(_ error: YamlError, _ file: String) -> ConfigurationError {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return Self.error(file, mark, problem)
    case .duplicatedKeysInMapping(let keys, _):
      let text = keys.map(\.description).joined(separator: ", ")
      return Self.error(file, nil, "these keys stand twice: \(text)")
    default:
      return Self.error(file, nil, "not YAML: \(error)")
    }
  }
}

extension Yams.Node {
  /// Whether this is the empty value of a `key:` without anything behind it.
  fileprivate var isEmptyScalar: Bool {
    guard let scalar else { return false }
    return scalar.string.isEmpty
      || (scalar.style == .plain && ["~", "null"].contains(scalar.string))
  }
}

/// The Levenshtein distance of two short words.
private func distance(_ left: String, _ right: String) -> Int {
  let target = Array(right.utf8)
  var row = Array(0...target.count)
  for (index, character) in left.utf8.enumerated() {
    var previous = row[0]
    row[0] = index + 1
    for column in target.indices {
      let substituted = previous + (target[column] == character ? 0 : 1)
      previous = row[column + 1]
      row[column + 1] = min(substituted, previous + 1, row[column] + 1)
    }
  }
  return row[target.count]
}
