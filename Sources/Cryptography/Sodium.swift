import CSodium

/// The one-time set-up of libsodium, which every primitive here touches first.
enum Sodium {
  /// Whether libsodium could be initialised: it fails only without a source of random numbers.
  static let isReady = sodium_init() >= 0

  /// Stops the process if libsodium can't work: no key could be made or checked then.
  static func prepare() {
    precondition(isReady, "libsodium could not be initialised: no source of random numbers")
  }

  /// `count` unpredictable bytes.
  static func randomBytes(_ count: Int) -> [UInt8] {
    prepare()
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      if let base = buffer.baseAddress { randombytes_buf(base, count) }
      initialized = count
    }
  }
}

/// Unpredictable bytes from the operating system, for keys and tokens.
public enum SecureRandom {
  /// `count` unpredictable bytes.
  public static func bytes(_ count: Int) -> [UInt8] {
    Sodium.randomBytes(count)
  }
}
