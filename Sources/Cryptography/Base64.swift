import CSodium

/// Standard base64 with padding (RFC 4648 §4), as minisign's files use it.
enum Base64 {
  static func encode(_ bytes: [UInt8]) -> String {
    let variant = Int32(sodium_base64_VARIANT_ORIGINAL)
    let capacity = sodium_base64_encoded_len(bytes.count, variant)
    var text = [CChar](repeating: 0, count: capacity)
    sodium_bin2base64(&text, capacity, bytes, bytes.count, variant)
    return String(decoding: text.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The bytes; nil unless all of `text` is well-formed.
  static func decode(_ text: some StringProtocol) -> [UInt8]? {
    let characters = Array(text.utf8).map { CChar(bitPattern: $0) }
    var bytes = [UInt8](repeating: 0, count: characters.count)
    var length = 0
    let status = sodium_base642bin(
      &bytes, bytes.count, characters, characters.count, nil, &length, nil,
      Int32(sodium_base64_VARIANT_ORIGINAL))
    return status == 0 ? Array(bytes[..<length]) : nil
  }
}
