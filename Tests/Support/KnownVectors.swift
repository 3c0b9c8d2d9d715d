import Foundation
import Wire

/// The files of Tests/Vectors: what other programs made from docs/PROTOCOL.md alone.
public enum KnownVectors {
  /// What the file of this name holds; names in snake case are read as in camel case.
  public static func read<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws
    -> Value
  {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../Vectors/\(name)")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(type, from: Data(contentsOf: file))
  }

  /// The bytes of hexadecimal digits; throws if they are none.
  public static func bytes(_ hex: String) throws -> [UInt8] {
    guard let bytes = [UInt8](hex: hex) else { throw NotHexadecimal(text: hex) }
    return bytes
  }

  private struct NotHexadecimal: Error {
    let text: String
  }
}
