/// Shared library names by multilib category, as in REQUIRES and PROVIDES:
/// `x86_64: libc.so.6 libm.so.6 x86_32: libc.so.6`.
public struct SonameList: Sendable, Hashable, CustomStringConvertible {
  /// Why a text is no such list.
  public enum ParseError: Error, Equatable, Sendable {
    /// Longer than the bound, in bytes.
    case tooLong(Int, limit: Int)
    /// A name before the first category.
    case noCategory(String)
    /// A category without names.
    case emptyCategory(String)
    /// A category that stood there before.
    case duplicateCategory(String)
  }

  /// One shared library of one category.
  public struct Soname: Sendable, Hashable {
    /// The multilib category, such as `x86_64`.
    public let category: String
    /// The library's name, such as `libc.so.6`.
    public let name: String

    /// Makes a name.
    public init(category: String, name: String) {
      self.category = category
      self.name = name
    }
  }

  /// The longest text that is read, in bytes.
  public static let longest = 1 << 20

  /// Category to names.
  public private(set) var categories: [String: Set<String>] = [:]

  /// An empty list.
  public init() {}

  /// Reads a list; semicolons count as white space.
  public init(_ text: some StringProtocol) throws(ParseError) {
    let count = text.utf8.count
    guard count <= Self.longest else { throw .tooLong(count, limit: Self.longest) }
    var current: String?
    for word in text.split(whereSeparator: { $0.isWhitespace || $0 == ";" }) {
      if word.last == ":" {
        if let current, categories[current]?.isEmpty ?? true { throw .emptyCategory(current) }
        let category = String(word.dropLast())
        guard categories.updateValue([], forKey: category) == nil else {
          throw .duplicateCategory(category)
        }
        current = category
      } else {
        guard let current else { throw .noCategory(String(word)) }
        categories[current]?.insert(String(word))
      }
    }
    if let current, categories[current]?.isEmpty ?? true { throw .emptyCategory(current) }
  }

  /// Whether there is no name at all.
  public var isEmpty: Bool { categories.isEmpty }

  /// Every name, by category and name.
  public var sonames: [Soname] {
    var all: [Soname] = []
    for (category, names) in categories.sorted(by: { $0.key < $1.key }) {
      for name in names.sorted() { all.append(Soname(category: category, name: name)) }
    }
    return all
  }

  /// Whether it has this name in this category.
  public func contains(_ soname: Soname) -> Bool {
    categories[soname.category]?.contains(soname.name) ?? false
  }

  /// Takes in the names of another list.
  public mutating func formUnion(_ other: SonameList) {
    for (category, names) in other.categories {
      categories[category, default: []].formUnion(names)
    }
  }

  /// The names that `provided` lacks, by category and name.
  public func missing(from provided: SonameList) -> [Soname] {
    sonames.filter { !provided.contains($0) }
  }

  /// The text, categories and names sorted as Portage writes them.
  public var description: String {
    var words: [String] = []
    for (category, names) in categories.sorted(by: { $0.key < $1.key }) {
      words.append("\(category):")
      words.append(contentsOf: names.sorted())
    }
    return words.joined(separator: " ")
  }
}
