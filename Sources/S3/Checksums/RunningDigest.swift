/// A digest of bytes that come in pieces.
struct RunningDigest: ~Copyable {
  // One of the two.
  private var crc: CRC?
  private var hash: Hash?

  /// nil where the system forbids the algorithm, as MD5 in FIPS mode.
  init?(_ algorithm: DigestAlgorithm) {
    if algorithm.isCRC {
      crc = CRC(algorithm)
      hash = nil
    } else {
      guard let hash = Hash(algorithm) else { return nil }
      crc = nil
      self.hash = consume hash
    }
  }

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    crc?.update(bytes)
    hash?.update(bytes)
  }

  /// The value. To be called once.
  mutating func finish() -> [UInt8] {
    crc?.bytes ?? hash?.finish() ?? []
  }
}
