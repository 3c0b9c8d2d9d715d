/// The words of Prometheus' text exposition format, version 0.0.4.
///
/// Names keep to `[a-zA-Z_:][a-zA-Z0-9_:]*` (labels without the colon); what does not fit becomes an
/// underscore. Label values may hold anything, with backslash, quote and line feed escaped.
enum PrometheusText {
  /// The content type that a scraper expects.
  static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  /// The longest label value in characters; longer ones are cut.
  static let valueLimit = 128

  /// A metric's name made of `text`.
  static func metricName(_ text: String) -> String {
    name(text, allowsColon: true)
  }

  /// A label's name made of `text`; `le` and names that begin with two underscores are reserved.
  static func labelName(_ text: String) -> String {
    let made = name(text, allowsColon: false)
    return made == "le" || made.hasPrefix("__") ? "label_\(made)" : made
  }

  /// A label's value, escaped and cut to `valueLimit` characters.
  static func labelValue(_ text: String) -> String {
    var out = ""
    for character in text.prefix(valueLimit).unicodeScalars {
      switch character {
      case "\\": out += "\\\\"
      case "\"": out += "\\\""
      case "\n": out += "\\n"
      default: out.unicodeScalars.append(character)
      }
    }
    return out
  }

  /// `name="value",…` of these dimensions, sorted by name; the first of two equal names counts.
  static func labels(_ dimensions: [(String, String)]) -> String {
    var seen: Set<String> = []
    var parts: [(name: String, value: String)] = []
    for (key, value) in dimensions {
      let name = labelName(key)
      guard seen.insert(name).inserted else { continue }
      parts.append((name, labelValue(value)))
    }
    parts.sort { $0.name < $1.name }
    var out = ""
    for part in parts {
      if !out.isEmpty { out += "," }
      out += "\(part.name)=\"\(part.value)\""
    }
    return out
  }

  /// A number as the format writes it: integers without a fraction, `+Inf`, `-Inf`, `NaN`.
  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    if value.rounded() == value, abs(value) < 1e15 { return String(Int64(value)) }
    return String(value)
  }

  /// One sample line with its line feed.
  static func sample(_ name: String, _ labels: String, _ value: String) -> String {
    labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
  }

  private static func name(_ text: String, allowsColon: Bool) -> String {
    var out = ""
    for scalar in text.unicodeScalars.prefix(128) {
      switch scalar {
      case "a"..."z", "A"..."Z", "_": out.unicodeScalars.append(scalar)
      case "0"..."9":
        if out.isEmpty { out += "_" }
        out.unicodeScalars.append(scalar)
      case ":" where allowsColon: out.unicodeScalars.append(scalar)
      default: out += "_"
      }
    }
    return out.isEmpty ? "_" : out
  }
}
