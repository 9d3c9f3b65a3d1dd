"""Queries as learners type them in forums, each with the page that answers it best.

The pages were chosen from what the chapters say, before any search was run: each line is the page
and the query. Where a chapter has been rewritten since, the page is the one that now has a section
on the question.
"""

ENGLISH = """
conv: how to calculate output size of convolution layer
conv: what is a kernel in cnn
conv: padding='same' is not supported for strided convolutions
conv: stride and padding
conv: what does 1x1 convolution do
conv: depthwise seperable convolution
conv: number of parameters in conv layer
conv: difference between convolution and cross-correlation
conv: dilated convolution
conv: deconvolution checkerboard artifacts
conv: in_channels must be divisible by groups
conv: kernels
conv: convolusion
conv: RuntimeError: Given groups=1, weight of size [16, 3, 3, 3], expected input[1, 32, 32, 3] to have 3 channels, but got 32 channels instead
pool: max pooling vs average pooling
pool: why do we need pooling layers
pool: global average pooling instead of fully connected layer
pool: AdaptiveAvgPool2d
receptive: receptive field calculator
receptive: how do I compute the receptive field of a cnn
receptive: effective receptive field
learn: why is my loss nan
learn: what is backpropagation
learn: CrossEntropyLoss softmax
learn: difference between epoch and batch
learn: momentum in SGD
learn: IndexError: Target 10 is out of bounds.
learn: overfiting
learn: learning rate
learn: why do we need activation functions
lenet: RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x256 and 400x120)
lenet: expected scalar type Long but found Float
lenet: loss not decreasing
train: how to save and load a trained model
alexnet: alexnet input size 224 or 227
alexnet: local response normalization
alexnet: dying relu
vgg: why 3x3 kernels instead of 5x5
vgg: vgg16 number of parameters
train: torch.OutOfMemoryError: CUDA out of memory
norm: batchnorm
train: model.eval()
norm: why does my model give different results in eval mode
norm: Expected more than 1 value per channel when training
norm: layer norm vs batch norm
resnet: skip connections
resnet: vanishing gradient
resnet: The size of tensor a (28) must match the size of tensor b (56) at non-singleton dimension 3
data: mean and std of CIFAR-10
data: train validation test split
data: imbalanced dataset
data: how to train on my own images
data: stack expects each tensor to be equal size
augment: data augmentation
augment: RandomCrop RandomHorizontalFlip
dropout: dropout during test time
dropout: early stopping patience
norm: expected 4D input (got 2D input)
vgg: GoogLeNet inception block
mix: mixup vs cutmix
train: confusion matrix
train: resume training from checkpoint
transfer: how to freeze layers
transfer: fine tuning vs feature extraction
transfer: pretrained imagenet weights
fast: bfloat16 autocast
fast: torch.compile
install: how to install
install: OMP: Error #15
install: libiomp5md.dll already initialized
install: apple m1
install: without a gpu
install: No space left on device
"""

CHINESE = """
conv: 卷积核怎么计算输出大小
conv: 卷积输出尺寸公式
conv: 卷积层参数量怎么算
conv: padding和stride的区别
conv: 1x1卷积的作用
conv: 深度可分离卷积
conv: 空洞卷积
conv: 反卷积 棋盘效应
conv: 什么是特征图
conv: 卷积和互相关有什么区别
conv: 分组卷积
conv: 卷積
pool: 池化层的作用
pool: 最大池化和平均池化的区别
pool: 全局平均池化代替全连接层
receptive: 感受野计算
receptive: 感受野怎么算
receptive: 有效感受野
receptive: 感受也
learn: loss变成nan怎么办
learn: 反向传播是什么
train: 学习率怎么设置
learn: 交叉熵损失函数
learn: 为什么要用激活函数
learn: 过拟合怎么办
learn: 过拟和
learn: epoch和batch的区别
learn: 梯度下降
learn: 欠拟合和过拟合
dropout: 早停
lenet: RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x256 and 400x120)
lenet: loss不下降
train: 怎么保存模型
lenet: LeNet-5网络结构
alexnet: 局部响应归一化
alexnet: AlexNet输入是224还是227
vgg: VGG16参数量
vgg: 为什么用3×3卷积核
vgg: 显存不足 CUDA out of memory
norm: BN层 eval 模式
norm: 批归一化的原理
norm: 训练模式和评估模式
train: model.eval()的作用
norm: LayerNorm和BatchNorm的区别
norm: Expected more than 1 value per channel when training
resnet: 残差连接为什么有效
resnet: 残差网络
resnet: 殘差網路
resnet: 梯度消失
data: 怎么用自己的图片训练
data: 训练集 验证集 测试集 划分
data: 类别不平衡怎么处理
data: CIFAR-10的均值和标准差
data: 数据泄露
augment: 数据增强有哪些方法
augment: 數據增強
augment: 随机裁剪 水平翻转
dropout: dropout的作用
dropout: 暂退法
mix: mixup数据增强
train: 混淆矩阵怎么看
train: 断点续训
train: Grad-CAM 热力图
transfer: 迁移学习怎么冻结参数
transfer: 微调和特征提取的区别
transfer: 遷移學習
mix: 标签平滑
install: 怎么安装
install: 中文显示成方块
install: 没有显卡能跑吗
install: 换源
install: OMP: Error #15
install: pip 代理
install: matplotlib 显示中文
"""


def queries(lines: str) -> list[tuple[str, str]]:
    """Cut lines into query and page."""
    cut = [line.split(": ", 1) for line in lines.strip().splitlines()]
    return [(query, f"{page}.html") for page, query in cut]
