import CSodium
public import Wire

/// BLAKE2b (RFC 7693), streaming, optionally keyed, with a digest of 16 to 64 bytes.
public struct BLAKE2b: Sendable {
  private var state: [UInt8]
  private let length: Int

  /// An empty hash of `length` bytes, 16 to 64, under an optional key of at most 64 bytes.
  public init(length: Int = 32, key: [UInt8] = []) {
    precondition(
      (16...64).contains(length) && key.count <= 64, "length \(length), key \(key.count)")
    Sodium.prepare()
    self.length = length
    state = [UInt8](repeating: 0, count: Self.stateSize)
    Self.withAligned(&state) { pointer in
      _ = key.withUnsafeBufferPointer {
        crypto_generichash_init(pointer, $0.baseAddress, key.count, length)
      }
    }
  }

  /// Appends bytes to what is hashed.
  public mutating func update(_ bytes: some Sequence<UInt8>) {
    let done: Void? = bytes.withContiguousStorageIfAvailable { update(buffer: $0) }
    if done == nil { Array(bytes).withUnsafeBufferPointer { update(buffer: $0) } }
  }

  /// Appends the bytes of a buffer to what is hashed.
  public mutating func update(buffer: UnsafeBufferPointer<UInt8>) {
    guard let base = buffer.baseAddress, !buffer.isEmpty else { return }
    Self.withAligned(&state) { _ = crypto_generichash_update($0, base, UInt64(buffer.count)) }
  }

  /// The digest of everything appended so far; the hash may go on afterwards.
  public func finalize() -> [UInt8] {
    var copy = state
    return [UInt8](unsafeUninitializedCapacity: length) { buffer, initialized in
      Self.withAligned(&copy) { pointer in
        if let base = buffer.baseAddress { _ = crypto_generichash_final(pointer, base, length) }
      }
      initialized = length
    }
  }

  /// The digest of these bytes.
  public static func hash(
    _ bytes: some Sequence<UInt8>, length: Int = 32, key: [UInt8] = []
  ) -> [UInt8] {
    var hash = BLAKE2b(length: length, key: key)
    hash.update(bytes)
    return hash.finalize()
  }

  /// The 32-byte digest of these bytes.
  public static func hash256(_ bytes: some Sequence<UInt8>) -> Bytes32 {
    Bytes32(hash(bytes)) ?? .zero
  }

  // libsodium wants its state aligned to 64 bytes, which an array does not promise.
  private static let alignment = 64
  private static let stateSize = crypto_generichash_statebytes() + alignment

  /// The state lies at the same offset from an aligned address only while the array does not move;
  /// so it is kept at the array's front and copied to an aligned place for each call.
  private static func withAligned(
    _ state: inout [UInt8], _ body: (OpaquePointer) -> Void
  ) {
    let size = stateSize - alignment
    withUnsafeTemporaryAllocation(byteCount: size, alignment: alignment) { aligned in
      state.withUnsafeMutableBytes { stored in
        aligned.copyMemory(from: UnsafeRawBufferPointer(rebasing: stored[..<size]))
        if let base = aligned.baseAddress { body(OpaquePointer(base)) }
        stored.copyMemory(from: UnsafeRawBufferPointer(aligned))
      }
    }
  }
}
