class QuickNet: pass
