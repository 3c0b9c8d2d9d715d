import FoundationEssentials

/// Why facts can't be used; each case names the field as the JSON does.
public enum FactsError: Error, Equatable, Sendable {
  /// Not JSON, a key is missing, or a value has the wrong type.
  case unreadable(String)
  /// A text or the whole is longer than its bound, in bytes.
  case tooLong(field: String, count: Int, limit: Int)
  /// A list has more elements than its bound.
  case tooMany(field: String, count: Int, limit: Int)
  /// A value is not of its field's form; the value is cut to 80 characters.
  case malformed(field: String, value: String)

  init(decoding error: any Error) {
    guard let error = error as? DecodingError else {
      self = .unreadable("not JSON")
      return
    }
    let (what, context): (String, DecodingError.Context) =
      switch error {
      case .keyNotFound(let key, let context): ("\(key.stringValue) is missing", context)
      case .typeMismatch(let type, let context): ("is no \(type)", context)
      case .valueNotFound(let type, let context): ("is null instead of \(type)", context)
      case .dataCorrupted(let context): (context.debugDescription, context)
      @unknown default:
        ("can't be read", DecodingError.Context(codingPath: [], debugDescription: ""))
      }
    var path = ""
    for key in context.codingPath {
      path += key.intValue.map { "[\($0)]" } ?? (path.isEmpty ? "" : ".") + key.stringValue
    }
    self = .unreadable(path.isEmpty ? what : "\(path): \(what)")
  }
}

extension FactsError: CustomStringConvertible {
  /// One line for the user.
  public var description: String {
    switch self {
    case .unreadable(let reason): "unreadable facts: \(reason)"
    case .tooLong(let field, let count, let limit):
      "\(field) is \(count) bytes long, more than \(limit)"
    case .tooMany(let field, let count, let limit):
      "\(field) has \(count) elements, more than \(limit)"
    case .malformed(let field, let value): "\(field) is malformed: \"\(value)\""
    }
  }
}
