import Cryptography
import Glibc
import NIOCore
import NIOPosix
import Wire

/// Sends the packets of streams on the UDP socket, many by one system call where the kernel cuts a
/// buffer into datagrams (UDP_SEGMENT).
///
/// It writes to the socket itself: a packet that the kernel refuses, because the path is too narrow or
/// the device can't cut, must not close the DHT's socket.
final class DatagramSender {
  /// What the kernel takes at once: 64 datagrams, and less than 64 KiB.
  private static let segmentLimit = 64
  private static let capacity = 65_000
  /// The longest datagram that is passed on: the longest of a stream behind a slot's number.
  private static let longestCopy = 1_500
  private static let retryTime = TimeAmount.microseconds(300)

  private let socket: CInt
  private let eventLoop: any EventLoop
  private let isIPv6: Bool
  private let isLowEffort: Bool
  private let resume: () -> Void
  private var offloads: Bool
  private let buffer: UnsafeMutableRawBufferPointer
  private var used = 0
  /// The length of every datagram in the buffer but the last, which may be shorter.
  private var segment = 0
  private var count = 0
  private var isClosedRun = false
  private var address: (key: Address, socket: SocketAddress)?
  private var isClosed = false
  /// Whether the socket takes nothing now; packets wait in their streams.
  private(set) var isBlocked = false
  /// Datagrams that the kernel refused.
  private(set) var refused = 0

  /// `resume` is called when the socket takes packets again; `isLowEffort` marks the packets as traffic
  /// that yields to all other (RFC 8622), unlike the DHT's on the same socket.
  init(
    channel: any Channel, eventLoop: any EventLoop, isIPv6: Bool, isLowEffort: Bool,
    resume: @escaping () -> Void
  ) throws {
    let handle = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
      of: NIOBSDSocket.Handle.self
    ) { $0 }
    guard let handle else { throw ChannelError.operationUnsupported }
    socket = handle
    self.eventLoop = eventLoop
    self.isIPv6 = isIPv6
    self.isLowEffort = isLowEffort
    self.resume = resume
    offloads = System.supportsUDPSegmentationOffload
    buffer = .allocate(byteCount: Self.capacity, alignment: 16)
    forbidFragments()
  }

  deinit {
    buffer.deallocate()
  }

  /// Routers and this host drop what is too long instead of cutting it: that is what the streams' search
  /// for the path's length needs. `DatagramWriter` allows it for each long datagram of the DHT.
  private func forbidFragments() {
    var probe: CInt = 3  // IP_PMTUDISC_PROBE
    let size = socklen_t(MemoryLayout<CInt>.size)
    setsockopt(socket, CInt(IPPROTO_IP), 10, &probe, size)  // IP_MTU_DISCOVER
    if isIPv6 { setsockopt(socket, CInt(IPPROTO_IPV6), 23, &probe, size) }  // IPV6_MTU_DISCOVER
  }

  /// The socket is gone: nothing is sent any more.
  func close() {
    isClosed = true
  }

  /// Seals a packet behind those that wait.
  ///
  /// `prefix` stands before it in the same datagram.
  func add(
    _ frames: [UInt8], number: UInt64, box: StreamBox, to address: Address,
    behind prefix: [UInt8] = []
  ) {
    let length = prefix.count + frames.count + StreamBox.overhead
    guard let room = room(for: length, to: address) else { return }
    room.copyBytes(from: prefix)
    let rest = UnsafeMutableRawBufferPointer(rebasing: room[prefix.count...])
    took(prefix.count + box.seal(frames, number: number, into: rest))
  }

  /// Adds a datagram that is sealed already behind those that wait.
  func add(copying datagram: UnsafeRawBufferPointer, to address: Address) {
    _ = pass(copying: datagram, to: address)
  }

  /// The same; whether there was room for it.
  func pass(copying datagram: UnsafeRawBufferPointer, to address: Address) -> Bool {
    guard datagram.count <= Self.longestCopy,
      let room = room(for: datagram.count, to: address)
    else { return false }
    room.copyMemory(from: datagram)
    took(datagram.count)
    return true
  }

  /// What is left for one more datagram of this length; nil if it can't be sent now.
  private func room(for length: Int, to address: Address) -> UnsafeMutableRawBufferPointer? {
    let fits =
      count > 0 && !isClosedRun && address == self.address?.key && length <= segment && offloads
      && count < Self.segmentLimit && used + length <= Self.capacity
    if !fits {
      flush()
      guard let target = address.socketAddress(onIPv6: isIPv6), !isBlocked else { return nil }
      self.address = (address, target)
      segment = length
    }
    return UnsafeMutableRawBufferPointer(rebasing: buffer[used...])
  }

  private func took(_ length: Int) {
    used += length
    count += 1
    // A shorter datagram can only be the last.
    if length < segment { isClosedRun = true }
  }

  /// Sends what waits.
  func flush() {
    guard count > 0, !isBlocked, !isClosed, let address else { return }
    let status = send(address.socket)
    if status < 0 {
      switch errno {
      case EAGAIN, ENOBUFS: return wait()
      case EIO where count > 1:
        // The device can't cut buffers: from now on one by one.
        offloads = false
        return sendSingly(address.socket)
      case EINVAL where count > 1: return sendSingly(address.socket)
      default: refused += count
      }
    }
    clear()
  }

  private func clear() {
    used = 0
    count = 0
    isClosedRun = false
  }

  private func sendSingly(_ target: SocketAddress) {
    var start = 0
    while start < used {
      let length = min(segment, used - start)
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[start..<start + length])
      if send(part, cuts: false, target) < 0 { refused += 1 }
      start += length
    }
    clear()
  }

  private func wait() {
    isBlocked = true
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    eventLoop.scheduleTask(in: Self.retryTime) {
      let sender = bound.value
      guard !sender.isClosed else { return }
      sender.isBlocked = false
      sender.flush()
      if !sender.isBlocked { sender.resume() }
    }
  }

  private func send(_ target: SocketAddress) -> Int {
    let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<used])
    return send(part, cuts: count > 1, target)
  }

  /// One call of sendmsg, with the length at which the kernel cuts if it shall.
  private func send(
    _ part: UnsafeMutableRawBufferPointer, cuts: Bool, _ target: SocketAddress
  ) -> Int {
    // Control messages: each its length, level and kind, then 32 or 16 bits, padded to 8 bytes.
    var isV4 = true
    if case .v6 = self.address?.key.ip { isV4 = false }
    let (level, kind) =
      isV4 ? (CInt(IPPROTO_IP), IP_TOS) : (CInt(IPPROTO_IPV6), IPV6_TCLASS)
    var control = (
      UInt64(20), level, kind, lowEffort, UInt64(18), udpLevel, udpSegment, UInt64(segment)
    )
    let used = (isLowEffort ? 0 : 24)..<(cuts ? 48 : 24)
    return target.withSockAddr { name, size in
      withUnsafeMutableBytes(of: &control) { control in
        var vector = iovec(iov_base: part.baseAddress, iov_len: part.count)
        return withUnsafeMutablePointer(to: &vector) { vector in
          var message = msghdr()
          message.msg_name = UnsafeMutableRawPointer(mutating: name)
          message.msg_namelen = socklen_t(size)
          message.msg_iov = vector
          message.msg_iovlen = 1
          if !used.isEmpty {
            message.msg_control = control.baseAddress?.advanced(by: used.lowerBound)
            message.msg_controllen = used.count
          }
          return sendmsg(socket, &message, CInt(MSG_DONTWAIT | MSG_NOSIGNAL))
        }
      }
    }
  }
}

/// Numbers of linux/udp.h.
private let udpLevel: CInt = 17
private let udpSegment: CInt = 103
/// The code point LE in the octet of IP's header.
private let lowEffort: UInt64 = 1 << 2
