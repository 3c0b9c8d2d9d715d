import CSodium

/// An AES-256-GCM key that is expanded once, not for every packet; it is wiped with the last box that
/// has it.
final class AESKey: @unchecked Sendable {
  // SAFETY: the memory is written in `init` only and read until `deinit`.
  private let memory: UnsafeMutableRawPointer
  let state: UnsafePointer<crypto_aead_aes256gcm_state>

  /// The expanded form of 32 bytes; the processor must have the instructions.
  init(_ key: [UInt8]) {
    precondition(key.count == 32)
    let size = crypto_aead_aes256gcm_statebytes()
    memory = .allocate(byteCount: size, alignment: 16)
    let bound = memory.bindMemory(to: crypto_aead_aes256gcm_state.self, capacity: 1)
    state = UnsafePointer(bound)
    crypto_aead_aes256gcm_beforenm(bound, key)
  }

  deinit {
    sodium_memzero(memory, crypto_aead_aes256gcm_statebytes())
    memory.deallocate()
  }
}
